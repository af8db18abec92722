-- name: end
select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_start = $2

-- name: lock
select pg_advisory_lock($1::int, $2::int)

-- name: backend
select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()
