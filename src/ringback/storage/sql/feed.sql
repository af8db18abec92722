-- The feed: events in the order of their commits. A reader stands at a position; what comes later
-- is above it, always. Its id only prunes partitions.

-- name: after
-- One statement, so one snapshot: what it says of how far it looked is true of what it returns. The
-- row that counts says that; sizes are known without reading bodies.
with scanned as materialized (
    select id, pos, octet_length(body) as size,
           (type = any ($6::text[]) or type ^@ any ($7::text[])) as wanted
    from event
    where (tenant, mode, pos) > ($1, $2, $3) and (tenant, mode) <= ($1, $2) and id >= $4
    order by tenant, mode, pos limit $5),
kept as (
    select sized.id, sized.pos
    from (select id, pos, row_number() over (order by pos) as n,
                 sum(size) over (order by pos) as total
          from scanned where wanted) as sized
    where sized.n = 1 or (sized.n <= $8 and sized.total <= $9))
select told.id, kept.pos, told.type, told.body, null::bigint as looked_at, null::bigint as wanted
from kept cross join lateral (
    select id, type, body from event e
    where e.id = kept.id and e.tenant = $1 and e.mode = $2 limit 1) as told
union all
select (array_agg(id order by pos desc))[1], max(pos), null, null, count(*),
       count(*) filter (where wanted)
from scanned

-- name: head
select pos from event where (tenant, mode, pos) >= ($1, $2, 0) and (tenant, mode) <= ($1, $2)
order by tenant desc, mode desc, pos desc limit 1

-- name: heads
-- For all who wait, in one go: only what lies above the lowest of each, and is younger than the
-- oldest of all, is looked at. Where nothing is new, that is nothing.
select waiting.tenant, waiting.mode, head.pos
from unnest($1::int[], $2::smallint[], $3::bigint[]) as waiting (tenant, mode, pos)
cross join lateral (
    select e.pos from event e
    where e.tenant = waiting.tenant and e.mode = waiting.mode and e.pos > waiting.pos
      and e.id >= $4
    order by e.pos desc limit 1) as head

-- name: since
-- Ids of commits under way at one time are not quite in the order of positions.
select min(soon.pos) as pos from (
    select pos from event
    where (tenant, mode, id) >= ($1, $2, $3) and (tenant, mode) <= ($1, $2) and id >= $3
    order by tenant, mode, id limit $4) as soon
