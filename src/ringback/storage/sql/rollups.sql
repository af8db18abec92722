-- The sweep that folds what was committed into roll-ups, and the reading of the figures. What folds
-- and what counts stands in hot/rollups.sql.

-- name: lock
select pg_try_advisory_xact_lock(8420, 6) as mine

-- name: waiting
-- Of these tenants and modes those with events that are not folded, and whether they are due: $5
-- of them at least, as positions go, or any $6 seconds after the last time. Ids bound what is
-- looked at: from where each had nothing the last time, and not the days to come.
select w.tenant, w.mode,
       head.pos - coalesce(p.pos, 0) >= $5 or p.folded is null
       or p.folded < now() - make_interval(secs => $6) as due
from unnest($1::int[], $2::smallint[], $3::uuid[]) as w (tenant, mode, oldest)
left join lateral (
    select pos, last, folded from rollup_place
    where kind = 1 and tenant = w.tenant and mode = w.mode limit 1) as p on true
cross join lateral (
    select e.pos from event e
    where (e.tenant, e.mode, e.pos) > (w.tenant, w.mode, coalesce(p.pos, 0))
      and (e.tenant, e.mode) <= (w.tenant, w.mode) and e.id < $4
      and e.id >= greatest(w.oldest, floor_of(greatest(coalesce(ms_of(p.last), 0) - 120000, 0)))
    order by e.tenant desc, e.mode desc, e.pos desc limit 1) as head

-- name: fold_messages
select fold_messages(coalesce($1, now()), $2, $3, $4) as folded

-- name: fold_ids
select fold_ids(coalesce($1, now()), $2, $3, $4) as more

-- name: due
-- Of what is folded by id: which is due, $1 seconds after the last time.
select wanted.kind from unnest(array[3, 4]::smallint[]) as wanted (kind)
left join rollup_place p on p.kind = wanted.kind and p.tenant = 0 and p.mode = 0
where p.folded is null or p.folded < now() - make_interval(secs => $1)
order by 1

-- name: check_minutes
select check_minutes(coalesce($1, now()), $2) as late

-- name: expire
delete from rollup where (tenant, mode, kind, width, about, since) in (
    select r.tenant, r.mode, r.kind, r.width, r.about, r.since
    from (values (1::smallint, 240), (15::smallint, 5760), (60::smallint, 24480))
         as w (width, kept)
    cross join lateral (
        select * from rollup o
        where o.width = w.width and o.since < extract(epoch from coalesce($1, now()))::bigint / 60
                                              - w.kept
        order by o.since limit $2) as r)

-- name: expire_minutes
delete from rollup_minute
where minute < extract(epoch from coalesce($1, now()))::bigint / 60 - 240

-- name: places
select kind, pos, last from rollup_place
where tenant = $1 and mode = $2 and kind = 1
union all
select kind, pos, last from rollup_place
where tenant = 0 and mode = 0 and kind in (3, 4)

-- name: read
select kind, about, since, slots, ns from rollup
where tenant = $1 and mode = $2 and kind = any($3::smallint[]) and width = $4
  and about = any($5::int[]) and since >= $6 and since < $7

-- name: tail_messages
-- Up to $5 events beyond a position, counted as the sweep will count them. The row of kind 0 says
-- how many they were.
select r_kind as kind, 0 as about, r_minute as minute, r_slot as slot, r_n as n,
       case when r_kind = 0 then r_n else 0 end as looked_at
from count_messages($1, $2, $3, $5, $4) where r_kind > 0 or r_slot = 1

-- name: tail_attempts
-- Up to $4 attempts from an id on.
with edge as (
    select (select id from attempt
            where (tenant, mode, id) >= ($1, $2, $3) and (tenant, mode) <= ($1, $2) and id >= $3
            order by tenant, mode, id offset $4 limit 1) as upto)
select g.kind, g.about, g.minute, u.slot, sum(g.n)::bigint as n,
       case when bool_or(g.cut) then $4::int else 0 end as looked_at
from (select s.kind, s.about, s.minute, s.slots, edge.upto is not null as cut, count(*) as n
      from edge cross join rollup_source s
      where s.kind = 3 and (s.tenant, s.mode, s.id) >= ($1, $2, $3)
        and (s.tenant, s.mode) <= ($1, $2) and s.id >= $3
        and (edge.upto is null or s.id < edge.upto)
      group by 1, 2, 3, 4, 5) as g
cross join lateral unnest(g.slots) as u (slot)
where u.slot is not null
group by 1, 2, 3, 4

-- name: tail_callbacks
with edge as (
    select (select id from callback
            where (tenant, mode, id) >= ($1, $2, $3) and (tenant, mode) <= ($1, $2) and id >= $3
            order by tenant, mode, id offset $4 limit 1) as upto)
select s.kind, s.about, s.minute, u.slot, count(*) as n,
       case when bool_or(edge.upto is not null) then $4::int else 0 end as looked_at
from edge cross join rollup_source s cross join lateral unnest(s.slots) as u (slot)
where s.kind = 4 and (s.tenant, s.mode, s.id) >= ($1, $2, $3)
  and (s.tenant, s.mode) <= ($1, $2) and s.id >= $3
  and (edge.upto is null or s.id < edge.upto)
group by 1, 2, 3, 4

-- name: youngest
-- The newest messages with how they stand, for ages that a minute is too coarse for.
select id, status from (
    select id, status, kind, sequence from subject
    where (tenant, mode, id) >= ($1, $2, $3) and (tenant, mode) <= ($1, $2)
    order by tenant desc, mode desc, id desc limit $4) as newest
where kind = 1 and sequence > 0

-- name: backlog
-- What endpoints are owed: how much ($4 of each at most), how much of it has failed before, and the
-- event that has been first the longest.
select mine.no, found.open, found.retrying, found.first
from (select no from endpoint
      where tenant = $1 and mode = $2 and deleted is null and ($3::int is null or no = $3)) as mine
cross join lateral (
    select count(*) as open, count(*) filter (where d.n > 0) as retrying,
           (array_agg(d.event order by d.ord))[1] as first
    from (select n, event, ord from delivery
          where endpoint = mine.no order by endpoint, ord limit $4) as d) as found
where found.open > 0
order by mine.no

-- name: last_callbacks
select distinct on (n.no) n.no, c.id, c.received, c.outcome
from connection n
cross join unnest($4::smallint[]) as o (outcome)
cross join lateral (
    select id, received, outcome from callback
    where (connection, outcome) <= (n.no, o.outcome) and (connection, outcome) >= (n.no, o.outcome)
    order by connection desc, outcome desc, id desc limit 1) as c
where n.no = any($3::int[]) and n.tenant = $1 and n.mode = $2
order by n.no, c.id desc

-- name: verdicts
-- The newest callbacks of a connection that became one of these.
select c.id, c.received, c.outcome, c.reason
from unnest($4::smallint[]) as o (outcome)
cross join lateral (
    select id, received, outcome, reason, tenant, mode from callback
    where (connection, outcome) <= ($3, o.outcome) and (connection, outcome) >= ($3, o.outcome)
    order by connection desc, outcome desc, id desc limit $5) as c
where c.tenant = $1 and c.mode = $2
order by c.id desc limit $5

-- name: usual
-- The callbacks of some connections by quarters of an hour, each in the hours before its own end.
select r.about, r.since, r.slots, r.ns
from unnest($3::int[], $4::int[], $5::int[]) as wanted (about, since, until)
cross join lateral (
    select about, since, slots, ns from rollup
    where tenant = $1 and mode = $2 and kind = 4 and width = 15 and about = wanted.about
      and since >= wanted.since and since < wanted.until) as r

-- name: newest
-- The newest callback of each connection of the installation, each from its own id on.
select w.no, c.received
from unnest($1::int[], $2::uuid[]) as w (no, since)
cross join lateral (
    select newest.id, newest.received
    from unnest($3::smallint[]) as o (outcome)
    cross join lateral (
        select id, received from callback
        where (connection, outcome) <= (w.no, o.outcome)
          and (connection, outcome) >= (w.no, o.outcome) and id >= w.since
        order by connection desc, outcome desc, id desc limit 1) as newest
    order by newest.id desc limit 1) as c

-- name: usual_of_all
-- As `usual`, for connections of any tenant.
select r.about, r.since, r.slots, r.ns
from unnest($1::int[], $2::int[], $3::int[]) as wanted (about, since, until)
join connection n on n.no = wanted.about
cross join lateral (
    select about, since, slots, ns from rollup
    where tenant = n.tenant and mode = n.mode and kind = 4 and width = 15 and about = wanted.about
      and since >= wanted.since and since < wanted.until) as r

-- name: last_attempts
select wanted.endpoint, a.id, a.status, a.error
from unnest($3::int[]) as wanted (endpoint)
cross join lateral (
    select id, status, error, tenant, mode from attempt
    where endpoint = wanted.endpoint and worker <> 0
    order by endpoint desc, ord desc, id desc limit 1) as a
where a.tenant = $1 and a.mode = $2

-- name: by_type
-- The newest attempts of an endpoint by the types of their events.
select e.type, count(*) filter (where a.final = 1) as success,
       count(*) filter (where a.final is distinct from 1) as failure
from (select event, final, tenant, mode from attempt
      where endpoint = $3 and worker <> 0
      order by endpoint desc, ord desc limit $4) as a
cross join lateral (select type from event where id = a.event limit 1) as e
where a.tenant = $1 and a.mode = $2
group by e.type order by count(*) desc, e.type

-- name: skew
-- By how many milliseconds a connection's callbacks came after what they tell of, newest first.
select extract(epoch from c.received - e.occurred)::float8 * 1000 as ms
from (select id, received, subject, tenant, mode from callback
      where (connection, outcome) = ($3, 2) and subject is not null
      order by connection desc, outcome desc, id desc limit $4) as c
cross join lateral (
    select occurred from event
    where subject = c.subject and callback = c.id and id >= $5 limit 1) as e
where c.tenant = $1 and c.mode = $2 and e.occurred <> c.received
