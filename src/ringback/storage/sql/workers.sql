-- name: register
insert into worker (boot_id, pid, pid_start) values ($1, $2, $3) returning id

-- name: heartbeat
select r_beat, r_config_version, r_clock from heartbeat($1, $2)

-- name: others
select id, beat, boot_id, pid, pid_start from worker where alive and id <> $1

-- name: retire
select retire($1, $2) as retired

-- name: adopt
select adopt($1, $2) as adopted

-- name: unblock
select unblock($1) as stuck

-- name: leave
update worker set alive = false where id = $1

-- name: oldest_due
select coalesce(extract(epoch from now() - min(due)), 0)::float8 as seconds, count(*) as open
from (select due from delivery where owner is null and due is not null
      order by endpoint, due limit 10000) as waiting

-- name: forget
delete from worker w where not alive and started < now() - interval '7 days'
  and not exists (select from delivery d where d.owner = w.id)
