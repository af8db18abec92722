-- name: lock
select pg_advisory_xact_lock(8420, 5)

-- name: add
insert into inspected_request (tenant, mode, name, method, url, headers, body, answered)
select * from unnest($1::int[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::bytea[],
                     $7::bytea[], $8::smallint[])

-- name: trim
delete from inspected_request
where name = $1 and id <= (select id from inspected_request where name = $1
                           order by id desc offset $2 limit 1)

-- name: names
select distinct name from inspected_request

-- name: list
select id, received, method, url, headers, body, answered from inspected_request
where tenant = $1 and mode = $2 and name = $3 and id < $4
order by id desc limit $5

-- name: clear
delete from inspected_request where tenant = $1 and mode = $2 and name = $3
