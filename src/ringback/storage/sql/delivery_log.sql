-- A delivery as people see it is its attempts and, while it is open, its row. Statements here find
-- out which deliveries there are; deliveries.sql has those that move them.
-- Lists compare whole rows, and fences (offset 0) keep the tenant out of the choice of an index:
-- see attempts.sql. $before and $after bound positions; one is null, and that branch finds nothing.

-- name: endpoint_number
select no from endpoint where id = $1 and tenant = $2 and mode = $3

-- name: of_events
select wanted.event, found.endpoint, found.ord
from unnest($3::uuid[], $4::uuid[]) as wanted (event, not_before)
cross join lateral (
    (select endpoint, ord, tenant, mode from attempt
     where event = wanted.event and id >= wanted.not_before offset 0)
    union
    (select endpoint, ord, tenant, mode from delivery
     where event = wanted.event offset 0)) as found
where found.tenant = $1 and found.mode = $2

-- name: of_endpoint
select found.event, found.ord
from ((select * from (
           select distinct on (a.endpoint, a.ord) a.ord, a.event, a.tenant, a.mode from attempt a
           where (a.endpoint, a.ord) < ($3, $4::bigint) and a.endpoint >= $3
           order by a.endpoint desc, a.ord desc limit $6) as tried)
      union
      (select d.ord, d.event, d.tenant, d.mode from delivery d
       where (d.endpoint, d.ord) < ($3, $4::bigint) and d.endpoint >= $3
       order by d.endpoint desc, d.ord desc limit $6)
      union
      (select * from (
           select distinct on (a.endpoint, a.ord) a.ord, a.event, a.tenant, a.mode from attempt a
           where (a.endpoint, a.ord) > ($3, $5::bigint) and a.endpoint <= $3
           order by a.endpoint, a.ord limit $6) as tried)
      union
      (select d.ord, d.event, d.tenant, d.mode from delivery d
       where (d.endpoint, d.ord) > ($3, $5::bigint) and d.endpoint <= $3
       order by d.endpoint, d.ord limit $6)) as found
where found.tenant = $1 and found.mode = $2
order by case when $5::bigint is not null then found.ord end, found.ord desc
limit $6

-- name: over
select * from (
    (select older.id, older.endpoint, older.ord, older.event
     from (select id, endpoint, ord, event, final from attempt
           where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
           order by tenant desc, mode desc, id desc limit $6) as older
     where older.final = $7 limit $5)
    union all
    (select newer.id, newer.endpoint, newer.ord, newer.event
     from (select id, endpoint, ord, event, final from attempt
           where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
           order by tenant, mode, id limit $6) as newer
     where newer.final = $7 limit $5)) as found

-- name: over_at_endpoint
select found.id, found.endpoint, found.ord, found.event from (
    (select older.*
     from (select id, endpoint, ord, event, final, tenant, mode from attempt
           where endpoint = $8 and id < $3 and final is not null
           order by id desc limit $6) as older
     where older.final = $7 limit $5)
    union all
    (select newer.*
     from (select id, endpoint, ord, event, final, tenant, mode from attempt
           where endpoint = $8 and id > $4 and final is not null
           order by id limit $6) as newer
     where newer.final = $7 limit $5)) as found
where found.tenant = $1 and found.mode = $2

-- name: over_at_endpoint_edge
select found.id from (
    (select id, tenant, mode from attempt
     where endpoint = $6 and id < $3 and final is not null
     order by id desc offset $5 limit 1)
    union all
    (select id, tenant, mode from attempt
     where endpoint = $6 and id > $4 and final is not null
     order by id offset $5 limit 1)) as found
where found.tenant = $1 and found.mode = $2

-- name: open
select found.endpoint, found.ord, found.event
from endpoint e
cross join lateral (
    (select d.endpoint, d.ord, d.event from delivery d
     where (d.endpoint, d.ord) < (e.no, $4::bigint + (e.no > $9)::int) and d.endpoint >= e.no
       and (d.owner is null and coalesce(d.due > $7, false)) = $8
     order by d.endpoint desc, d.ord desc limit $6)
    union all
    (select d.endpoint, d.ord, d.event from delivery d
     where (d.endpoint, d.ord) > (e.no, $5::bigint - (e.no < $9)::int) and d.endpoint <= e.no
       and (d.owner is null and coalesce(d.due > $7, false)) = $8
     order by d.endpoint, d.ord limit $6)) as found
where e.tenant = $1 and e.mode = $2 and e.deleted is null and ($3::int is null or e.no = $3)
order by case when $5::bigint is not null then found.ord end, found.ord desc,
         case when $5::bigint is not null then -found.endpoint else found.endpoint end
limit $6

-- name: rows
select d.endpoint, e.id, d.ord, d.event, d.owner, d.due, d.n
from unnest($3::uuid[]) as wanted (event)
cross join lateral (select * from delivery where event = wanted.event limit $4) as d
cross join lateral (select id from endpoint where no = d.endpoint limit 1) as e
where d.tenant = $1 and d.mode = $2

-- name: event_of
select found.event
from unnest($3::int[], $4::bigint[]) as wanted (endpoint, ord)
cross join lateral (
    (select event, tenant, mode from delivery
     where endpoint = wanted.endpoint and ord = wanted.ord limit 1)
    union all
    (select event, tenant, mode from attempt
     where endpoint = wanted.endpoint and ord = wanted.ord limit 1)) as found
where found.tenant = $1 and found.mode = $2
limit 1

-- name: cancel
select cancel_deliveries($1, $2) as cancelled
