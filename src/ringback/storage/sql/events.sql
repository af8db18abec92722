-- Lists are in the order of the feed: ids of one millisecond say nothing about order. They compare
-- whole rows, (tenant, mode, pos), so that no statistics can talk the planner into any index but
-- theirs. Of $before and $after one is null: that branch finds nothing.

-- name: get
select id, pos, body from event where id = $1 and tenant = $2 and mode = $3

-- name: page
select * from (
    (select id, pos, body from event
     where (tenant, mode, pos) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
     order by tenant desc, mode desc, pos desc limit $5)
    union all
    (select id, pos, body from event
     where (tenant, mode, pos) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
     order by tenant, mode, pos limit $5)) as found

-- name: last
select id, type, subject from event
where (tenant, mode, pos) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
order by tenant desc, mode desc, pos desc limit $4

-- name: of_types
select * from (
    (select older.id, older.pos, older.body
     from (select id, pos, type, body from event
           where (tenant, mode, pos) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
           order by tenant desc, mode desc, pos desc limit $6) as older
     where older.type = any ($7::text[]) or older.type ^@ any ($8::text[])
     limit $5)
    union all
    (select newer.id, newer.pos, newer.body
     from (select id, pos, type, body from event
           where (tenant, mode, pos) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
           order by tenant, mode, pos limit $6) as newer
     where newer.type = any ($7::text[]) or newer.type ^@ any ($8::text[])
     limit $5)) as found

-- name: edge
select * from (
    (select pos from event
     where (tenant, mode, pos) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
     order by tenant desc, mode desc, pos desc offset $5 limit 1)
    union all
    (select pos from event
     where (tenant, mode, pos) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
     order by tenant, mode, pos offset $5 limit 1)) as found

-- name: of_message
-- The fence (offset 0) keeps the tenant out of the choice of an index: the subject's is the one.
select told.id, told.pos, told.type, told.sequence, told.occurred, told.callback, told.body
from unnest($6::uuid[], $7::uuid[]) as wanted (subject, not_before)
cross join lateral (
    select * from event
    where subject = wanted.subject and id >= wanted.not_before offset 0) as told
where told.tenant = $1 and told.mode = $2 and (told.pos < $3 or told.pos > $4)
order by case when $4::bigint is not null then told.pos end, told.pos desc
limit $5

-- name: positions
select * from (
    (select pos, id from event
     where (tenant, mode, pos) <= ($1, $2, $3) and (tenant, mode) >= ($1, $2)
     order by tenant desc, mode desc, pos desc limit $5)
    union all
    (select pos, id from event
     where (tenant, mode, pos) >= ($1, $2, $4) and (tenant, mode) <= ($1, $2)
     order by tenant, mode, pos limit $5)) as found

-- name: briefs
select event.id, event.type, event.subject
from unnest($3::uuid[]) as wanted (id)
cross join lateral (select * from event e where e.id = wanted.id limit 1) as event
where event.tenant = $1 and event.mode = $2

-- name: whole
select id, subject, body from event where id = $1 and tenant = $2 and mode = $3
