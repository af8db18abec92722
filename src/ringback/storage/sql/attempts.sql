-- Of $before and $after one is null: that branch of a list finds nothing.

-- name: get
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail, a.response
from attempt a join endpoint e on e.no = a.endpoint
where a.id = $1 and a.tenant = $2 and a.mode = $3

-- name: page
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from ((select * from attempt where tenant = $1 and mode = $2 and id < $3
       order by id desc limit $5)
      union all
      (select * from attempt where tenant = $1 and mode = $2 and id > $4
       order by id limit $5)) as a
join endpoint e on e.no = a.endpoint

-- name: of_endpoint
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from ((select older.*
       from (select * from attempt where tenant = $1 and mode = $2 and id < $3
             order by id desc limit $7) as older
       where older.endpoint = $6 order by older.id desc limit $5)
      union all
      (select newer.*
       from (select * from attempt where tenant = $1 and mode = $2 and id > $4
             order by id limit $7) as newer
       where newer.endpoint = $6 order by newer.id limit $5)) as a
join endpoint e on e.no = a.endpoint

-- name: edge
select * from (
    (select id from attempt
     where tenant = $1 and mode = $2 and id < $3 order by id desc offset $5 limit 1)
    union all
    (select id from attempt
     where tenant = $1 and mode = $2 and id > $4 order by id offset $5 limit 1)) as found

-- name: of_event
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from ((select * from attempt
       where event = $6 and tenant = $1 and mode = $2 and id >= $7 and id < $3
         and ($8::int is null or endpoint = $8)
       order by id desc limit $5)
      union all
      (select * from attempt
       where event = $6 and tenant = $1 and mode = $2 and id >= $7 and id > $4
         and ($8::int is null or endpoint = $8)
       order by id limit $5)) as a
join endpoint e on e.no = a.endpoint

-- name: of_events
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from unnest($3::uuid[], $4::uuid[]) as wanted (event, not_before)
cross join lateral (
    select * from attempt
    where event = wanted.event and id >= wanted.not_before and tenant = $1 and mode = $2
    order by id limit $5) as a
join endpoint e on e.no = a.endpoint
limit $5

-- name: of_deliveries
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from unnest($3::int[], $4::bigint[], $5::uuid[]) as wanted (endpoint, ord, not_before)
cross join lateral (
    select * from attempt
    where endpoint = wanted.endpoint and ord = wanted.ord and id >= wanted.not_before
      and tenant = $1 and mode = $2
    order by id limit $6) as a
join endpoint e on e.no = a.endpoint
