-- name: register
insert into worker (boot_id, pid, pid_start) values ($1, $2, $3) returning id

-- name: heartbeat
select r_beat, r_config_version, r_clock from heartbeat($1, $2, $3)

-- name: others
select id, beat, boot_id, pid, pid_start from worker where alive and id <> $1

-- name: retire
select retire($1, $2) as retired

-- name: adopt
select adopt($1, $2) as adopted

-- name: unblock
select unblock($1) as stuck

-- name: leave
update worker set alive = false, ended = coalesce(ended, now()) where id = $1 returning numbers

-- name: oldest_due
with wanted as materialized (
    select no from endpoint
    where deleted is null and disabled is null and url <> '' and no <> all($1::int[])),
held as (
    select from unnest($1::int[]) as w (no) cross join lateral (
        select from delivery d
        where d.endpoint = w.no and d.owner is null and d.due is not null and d.due <= now()
        limit 10000) as found limit 10000),
oldest as (
    select first.due from wanted w cross join lateral (
        select d.due from delivery d
        where d.endpoint = w.no and d.owner is null and d.due is not null and d.due <= now()
        order by d.due limit 1) as first),
waiting as (
    select from wanted w cross join lateral (
        select from delivery d
        where d.endpoint = w.no and d.owner is null and d.due is not null and d.due <= now()
        limit 10000) as found limit 10000)
select coalesce((select extract(epoch from now() - min(due)) from oldest), 0)::float8 as seconds,
       (select count(*) from waiting) as open, (select count(*) from held) as held

-- name: told
select alive, numbers from worker where not folded
union all select null, totals from installation

-- name: kept
select totals from installation for update

-- name: gone
select id, numbers from worker where not alive and not folded order by id limit $1 for update

-- name: keep
update installation set totals = $1

-- name: folded
update worker set folded = true where id = any($1::int[])

-- name: forget
delete from worker w where not alive and folded and ended < now() - interval '7 days'
  and not exists (select from delivery d where d.owner = w.id)

-- name: look_alone
select pg_try_advisory_xact_lock(8420, 4) as mine

-- name: stuck
-- What waits with nothing in front of it, and what a worker owns that ended a while ago; besides
-- that the last row that was looked at, if there may be more behind it.
with looked as materialized (
    select lane, endpoint, ord, owner, due from delivery
    where (lane, endpoint, ord) > ($1, $2, $3) order by lane, endpoint, ord limit $4),
judged as (
    select l.lane, l.endpoint, l.ord,
           case when l.owner is not null then not exists (
                    select from worker w where w.id = l.owner
                      and (w.alive or w.ended > now() - make_interval(secs => $5)))
                when l.due is not null then false
                else not exists (
                    select from delivery f where f.lane = l.lane and f.endpoint = l.endpoint
                      and f.ord < l.ord)
           end as stuck,
           row_number() over (order by l.lane, l.endpoint, l.ord) = $4 as last
    from looked l)
select lane, endpoint, ord, stuck, last from judged where stuck or last order by lane, endpoint, ord
