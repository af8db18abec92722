-- name: end
-- End whoever else holds a lock, or waits for it. What it was doing is decided by then or undone.
select pg_terminate_backend(pid) from pg_locks
where locktype = 'advisory' and classid = $1::int::oid and objid = $2::int::oid and objsubid = 2
  and database = (select oid from pg_database where datname = current_database())
  and pid <> pg_backend_pid()

-- name: lock
select pg_advisory_lock($1::int, $2::int)
