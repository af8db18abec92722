-- What endpoints without a URL are told: the feed, and beside it what they alone are owed. That
-- lies in `delivery` like everybody's, and nobody claims it: whoever listens is told of it.

-- name: owed
select d.ord, d.event from delivery d
where d.tenant = $1 and d.mode = $2 and d.endpoint = $3 and d.ord > $4 order by d.ord limit $5

-- name: bodies
select told.id, told.type, told.body
from unnest($3::uuid[]) as wanted (id)
cross join lateral (
    select * from event e where e.id = wanted.id and e.tenant = $1 and e.mode = $2 limit 1) as told

-- name: newest
-- For all who listen, in one go.
select waiting.endpoint, last.ord
from unnest($1::int[], $2::smallint[], $3::int[]) as waiting (tenant, mode, endpoint)
cross join lateral (
    select d.ord from delivery d
    where d.tenant = waiting.tenant and d.mode = waiting.mode and d.endpoint = waiting.endpoint
    order by d.ord desc limit 1) as last

-- name: known
-- Which answers are about something that this endpoint may have been told, and how many there were.
select answered.i::int, (
    select count(*) from attempt a
    where a.endpoint = $3 and a.ord = answered.ord and a.tenant = $1 and a.mode = $2)::int as before
from unnest($4::uuid[], $5::bigint[]) with ordinality as answered (event, ord, i)
where exists (select from event e where e.id = answered.event and e.pos = answered.ord
                and e.tenant = $1 and e.mode = $2)
   or exists (select from delivery d where d.endpoint = $3 and d.ord = answered.ord
                and d.event = answered.event and d.tenant = $1 and d.mode = $2)
   or exists (select from attempt a where a.endpoint = $3 and a.ord = answered.ord
                and a.event = answered.event and a.tenant = $1 and a.mode = $2)

-- name: end
with ended as materialized (
    select d.lane, d.endpoint, d.ord from delivery d
    where d.tenant = $1 and d.mode = $2 and d.endpoint = $3 and d.ord = any ($4::bigint[])
    order by d.lane, d.endpoint, d.ord for update)
delete from delivery d using ended e
where d.lane = e.lane and d.endpoint = e.endpoint and d.ord = e.ord

-- name: next
-- What waited behind an ended one. A statement of its own: it sees whoever queued up meanwhile.
update delivery d set due = now()
where d.tenant = $1 and d.mode = $2 and d.endpoint = $3 and d.owner is null and d.due is null
  and not exists (select from delivery f
                  where f.lane = d.lane and f.endpoint = d.endpoint and f.ord < d.ord)

-- name: add
insert into attempt (id, tenant, mode, event, endpoint, ord, n, worker, status, error, ms, final,
                     detail, response)
select made.id, $1, $2, made.event, $3, made.ord, made.n, $4, made.status, made.error, made.ms,
       made.final, made.detail, made.response
from unnest($5::uuid[], $6::uuid[], $7::bigint[], $8::smallint[], $9::smallint[], $10::text[],
            $11::real[], $12::smallint[], $13::bytea[], $14::bytea[])
     as made (id, event, ord, n, status, error, ms, final, detail, response)

-- name: renew
update endpoint set expires = $4
where id = $1 and tenant = $2 and mode = $3 and deleted is null and expires > now()
