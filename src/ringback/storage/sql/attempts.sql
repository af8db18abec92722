-- Lists compare whole rows, (tenant, mode, id), so that no statistics can talk the planner into any
-- index but theirs; fences (offset 0) keep the tenant out of the choice where an event or a
-- delivery is asked for. Of $before and $after one is null: that branch finds nothing.

-- name: get
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail, a.response
from attempt a join endpoint e on e.no = a.endpoint
where a.id = $1 and a.tenant = $2 and a.mode = $3

-- name: page
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from ((select * from attempt
       where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
       order by tenant desc, mode desc, id desc limit $5)
      union all
      (select * from attempt
       where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
       order by tenant, mode, id limit $5)) as a
cross join lateral (select id from endpoint where no = a.endpoint limit 1) as e

-- name: of_endpoint
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from ((select older.*
       from (select * from attempt
             where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
             order by tenant desc, mode desc, id desc limit $7) as older
       where older.endpoint = $6 limit $5)
      union all
      (select newer.*
       from (select * from attempt
             where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
             order by tenant, mode, id limit $7) as newer
       where newer.endpoint = $6 limit $5)) as a
cross join lateral (select id from endpoint where no = a.endpoint limit 1) as e

-- name: edge
select * from (
    (select id from attempt
     where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
     order by tenant desc, mode desc, id desc offset $5 limit 1)
    union all
    (select id from attempt
     where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
     order by tenant, mode, id offset $5 limit 1)) as found

-- name: of_event
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from unnest($6::uuid[], $7::uuid[]) as wanted (event, not_before)
cross join lateral (
    select * from attempt
    where event = wanted.event and id >= wanted.not_before offset 0) as a
cross join lateral (select id from endpoint where no = a.endpoint limit 1) as e
where a.tenant = $1 and a.mode = $2 and (a.id < $3 or a.id > $4)
  and ($8::int is null or a.endpoint = $8)
order by case when $4::uuid is not null then a.id end, a.id desc
limit $5

-- name: of_events
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from unnest($3::uuid[], $4::uuid[]) as wanted (event, not_before)
cross join lateral (
    select * from attempt
    where event = wanted.event and id >= wanted.not_before offset 0) as a
cross join lateral (select id from endpoint where no = a.endpoint limit 1) as e
where a.tenant = $1 and a.mode = $2
limit $5

-- name: of_deliveries
select a.id, a.event, a.endpoint, e.id, a.ord, a.n, a.worker, a.status, a.error, a.ms, a.final,
       a.detail
from unnest($3::int[], $4::bigint[], $5::uuid[]) as wanted (endpoint, ord, not_before)
cross join lateral (
    select * from attempt
    where endpoint = wanted.endpoint and ord = wanted.ord and id >= wanted.not_before
    limit $6) as a
cross join lateral (select id from endpoint where no = a.endpoint limit 1) as e
where a.tenant = $1 and a.mode = $2
