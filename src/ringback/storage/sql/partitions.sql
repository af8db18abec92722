-- name: today
select clock_timestamp() as now

-- name: lock
select pg_advisory_lock(8420, 4)

-- name: unlock
select pg_advisory_unlock(8420, 4)

-- name: attached
select child.relname as name, inhdetachpending as detaching
from pg_inherits
join pg_class child on child.oid = inhrelid
join pg_class parent on parent.oid = inhparent
where parent.relname = $1 and parent.relnamespace = current_schema()::regnamespace
order by 1

-- name: detached
select relname as name from pg_class
where relkind = 'r' and relnamespace = current_schema()::regnamespace
  and relname ~ ('^' || $1 || '_[0-9]{8}$') and not relispartition
order by 1

-- name: expire_deliveries
select expire_deliveries($1, $2) as ended
