-- name: add
insert into callback_count as c (connection, day, what, tenant, mode, n)
select r.connection, current_date, r.what, r.tenant, r.mode, r.n
from unnest($1::int[], $2::int[], $3::smallint[], $4::text[], $5::bigint[])
     as r (connection, tenant, mode, what, n)
order by r.connection, r.what
on conflict (connection, day, what) do update set n = c.n + excluded.n

-- name: of_connection
select what, sum(n)::bigint as n from callback_count
where connection = $1 and tenant = $2 and mode = $3 and day > current_date - 30
group by what order by what

-- name: forget
delete from callback_count where day < current_date - 90

-- name: advance_generation
select advance_once_generation($1) as gen
