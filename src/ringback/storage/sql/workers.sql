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
    select no from endpoint where deleted is null and disabled is null),
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
       (select count(*) from waiting) as open

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
