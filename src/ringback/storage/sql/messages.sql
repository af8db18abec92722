-- Messages are subjects of kind 1. Lists compare whole rows, (tenant, mode, id), so that no
-- statistics can talk the planner into any index but theirs. Of $before and $after one is null:
-- that branch finds nothing.

-- name: get
select id, sequence, data from subject where id = $1 and tenant = $2 and mode = $3 and kind = 1

-- name: page
select * from (
    (select id, sequence, data from subject
     where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2) and kind = 1
     order by tenant desc, mode desc, id desc limit $5)
    union all
    (select id, sequence, data from subject
     where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2) and kind = 1
     order by tenant, mode, id limit $5)) as found

-- name: narrowed
-- Looks at $6 rows. What has not these bytes has not the field; messages.py reads what has them.
select * from (
    (select older.id, older.sequence, older.data
     from (select id, kind, status, sequence, data from subject
           where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
           order by tenant desc, mode desc, id desc limit $6) as older
     where older.kind = 1 and ($7::smallint[] is null or older.status = any ($7))
       and ($8::bytea is null or position($8 in older.data) > 0)
       and ($9::bytea is null or position($9 in older.data) > 0)
       and ($10::bytea is null or position($10 in older.data) > 0)
       and ($11::bytea is null or position($11 in older.data) > 0)
     limit $5)
    union all
    (select newer.id, newer.sequence, newer.data
     from (select id, kind, status, sequence, data from subject
           where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
           order by tenant, mode, id limit $6) as newer
     where newer.kind = 1 and ($7::smallint[] is null or newer.status = any ($7))
       and ($8::bytea is null or position($8 in newer.data) > 0)
       and ($9::bytea is null or position($9 in newer.data) > 0)
       and ($10::bytea is null or position($10 in newer.data) > 0)
       and ($11::bytea is null or position($11 in newer.data) > 0)
     limit $5)) as found

-- name: edge
select * from (
    (select id from subject
     where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
     order by tenant desc, mode desc, id desc offset $5 limit 1)
    union all
    (select id from subject
     where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
     order by tenant, mode, id offset $5 limit 1)) as found

-- name: failed_as
-- Looks at the newest $4 rows since $3. $5 is the connection and $6 the class of the error, as they
-- are written; they may stand elsewhere in a message, too: messages.py reads what has them.
select s.id, s.data
from (select id, kind, status, data from subject
      where (tenant, mode, id) >= ($1, $2, $3) and (tenant, mode) <= ($1, $2)
      order by tenant desc, mode desc, id desc limit $4) as s
where s.kind = 1 and s.status = $7
  and position($5::bytea in s.data) > 0 and position($6::bytea in s.data) > 0
order by s.id desc limit $8

-- name: values
with recursive found (value) as (
    (select value from search_key
     where tenant = $1 and mode = $2 and kind = $3 and value >= $4 and value < $5
     order by value limit 1)
    union all
    select (select s.value from search_key s
            where s.tenant = $1 and s.mode = $2 and s.kind = $3
              and s.value > found.value and s.value < $5
            order by s.value limit 1)
    from found where found.value is not null)
select value from found where value is not null limit $6

-- name: weight
select count(*)::int as n
from (select from unnest($4::text[]) as wanted (value)
      cross join lateral (
          select from search_key s
          where s.tenant = $1 and s.mode = $2 and s.kind = $3 and s.value = wanted.value
          limit $5) as hit
      limit $5) as hits

-- name: matching
select s.id, s.sequence, s.data
from (select hit.subject
      from unnest($4::text[]) as wanted (value)
      cross join lateral (
          (select k.subject from search_key k
           where k.tenant = $1 and k.mode = $2 and k.kind = $3 and k.value = wanted.value
             and k.subject < $5
           order by k.subject desc limit $7)
          union all
          (select k.subject from search_key k
           where k.tenant = $1 and k.mode = $2 and k.kind = $3 and k.value = wanted.value
             and k.subject > $6
           order by k.subject limit $7)) as hit
      order by case when $6::uuid is not null then hit.subject end, hit.subject desc
      limit $7) as page
cross join lateral (select * from subject where id = page.subject limit 1) as s
where s.tenant = $1 and s.mode = $2 and s.kind = 1
