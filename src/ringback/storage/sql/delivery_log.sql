-- A delivery as people see it is its attempts and, while it is open, its row. Statements here find
-- out which deliveries there are; deliveries.sql has those that move them.
-- $before and $after bound positions; one is null, and that branch finds nothing.

-- name: endpoint_number
select no from endpoint where id = $1 and tenant = $2 and mode = $3

-- name: endpoint_id
select id from endpoint where no = $1 and tenant = $2 and mode = $3

-- name: of_events
select wanted.event, found.endpoint, found.ord
from unnest($3::uuid[], $4::uuid[]) as wanted (event, not_before)
cross join lateral (
    select a.endpoint, a.ord from attempt a
    where a.event = wanted.event and a.id >= wanted.not_before
      and a.tenant = $1 and a.mode = $2
    union
    select d.endpoint, d.ord from delivery d
    where d.event = wanted.event and d.tenant = $1 and d.mode = $2) as found

-- name: of_endpoint
select found.event, found.ord
from ((select * from (
           select distinct on (a.ord) a.ord, a.event from attempt a
           where a.endpoint = $3 and a.ord < $4 and a.tenant = $1 and a.mode = $2
           order by a.ord desc limit $6) as tried)
      union
      (select d.ord, d.event from delivery d
       where d.endpoint = $3 and d.ord < $4 and d.tenant = $1 and d.mode = $2
       order by d.ord desc limit $6)
      union
      (select * from (
           select distinct on (a.ord) a.ord, a.event from attempt a
           where a.endpoint = $3 and a.ord > $5 and a.tenant = $1 and a.mode = $2
           order by a.ord limit $6) as tried)
      union
      (select d.ord, d.event from delivery d
       where d.endpoint = $3 and d.ord > $5 and d.tenant = $1 and d.mode = $2
       order by d.ord limit $6)) as found
order by case when $5::bigint is not null then found.ord end, found.ord desc
limit $6

-- name: over
select * from (
    (select older.id, older.endpoint, older.ord, older.event
     from (select id, endpoint, ord, event, final from attempt
           where tenant = $1 and mode = $2 and id < $3
           order by id desc limit $6) as older
     where older.final = $7 order by older.id desc limit $5)
    union all
    (select newer.id, newer.endpoint, newer.ord, newer.event
     from (select id, endpoint, ord, event, final from attempt
           where tenant = $1 and mode = $2 and id > $4
           order by id limit $6) as newer
     where newer.final = $7 order by newer.id limit $5)) as found

-- name: over_at_endpoint
select * from (
    (select older.id, older.endpoint, older.ord, older.event
     from (select id, endpoint, ord, event, final from attempt
           where endpoint = $8 and final is not null and tenant = $1 and mode = $2 and id < $3
           order by id desc limit $6) as older
     where older.final = $7 order by older.id desc limit $5)
    union all
    (select newer.id, newer.endpoint, newer.ord, newer.event
     from (select id, endpoint, ord, event, final from attempt
           where endpoint = $8 and final is not null and tenant = $1 and mode = $2 and id > $4
           order by id limit $6) as newer
     where newer.final = $7 order by newer.id limit $5)) as found

-- name: over_at_endpoint_edge
select * from (
    (select id from attempt
     where endpoint = $6 and final is not null and tenant = $1 and mode = $2 and id < $3
     order by id desc offset $5 limit 1)
    union all
    (select id from attempt
     where endpoint = $6 and final is not null and tenant = $1 and mode = $2 and id > $4
     order by id offset $5 limit 1)) as found

-- name: open
select found.endpoint, found.ord, found.event
from endpoint e
cross join lateral (
    (select d.endpoint, d.ord, d.event from delivery d
     where d.endpoint = e.no and d.ord < $4::bigint + (e.no > $9)::int
       and d.tenant = $1 and d.mode = $2
       and (d.owner is null and coalesce(d.due > $7, false)) = $8
     order by d.ord desc limit $6)
    union all
    (select d.endpoint, d.ord, d.event from delivery d
     where d.endpoint = e.no and d.ord > $5::bigint - (e.no < $9)::int
       and d.tenant = $1 and d.mode = $2
       and (d.owner is null and coalesce(d.due > $7, false)) = $8
     order by d.ord limit $6)) as found
where e.tenant = $1 and e.mode = $2 and e.deleted is null and ($3::int is null or e.no = $3)
order by case when $5::bigint is not null then found.ord end, found.ord desc,
         case when $5::bigint is not null then -found.endpoint else found.endpoint end
limit $6

-- name: rows
select d.endpoint, e.id, d.ord, d.event, d.owner, d.due, d.n
from unnest($3::uuid[]) as wanted (event)
cross join lateral (
    select endpoint, ord, event, owner, due, n from delivery
    where event = wanted.event and tenant = $1 and mode = $2 limit $4) as d
join endpoint e on e.no = d.endpoint

-- name: event_of
select event from (
    (select event from delivery where endpoint = $3 and ord = $4 and tenant = $1 and mode = $2)
    union all
    (select event from attempt
     where endpoint = $3 and ord = $4 and tenant = $1 and mode = $2 limit 1)) as found
limit 1

-- name: cancel
select cancel_deliveries($1, $2) as cancelled
