-- name: server
select current_setting('server_version_num')::int as version,
       pg_is_in_recovery() as standby,
       current_setting('fsync') as fsync,
       current_setting('full_page_writes') as full_page_writes,
       current_setting('synchronous_commit') as synchronous_commit,
       current_setting('idle_in_transaction_session_timeout') as idle_in_transaction,
       current_setting('jit') as jit,
       current_setting('max_connections')::int as max_connections,
       current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved,
       (select rolconnlimit from pg_roles where rolname = current_user) as role_limit,
       (select datconnlimit from pg_database where datname = current_database()) as database_limit,
       (select count(*)::int from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()) as connections,
       (select count(*)::int from pg_stat_activity
        where application_name = 'ringback' and datname = current_database()
          and pid <> pg_backend_pid()) as ours,
       coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
       pg_database_size(current_database()) as bytes

-- name: pid
select pg_backend_pid() as pid

-- name: clock
select clock_timestamp() as now

-- name: has_tables
select to_regclass('installation') is not null as there

-- name: workers
select id, beat, config_seen, boot_id, pid from worker where alive order by id limit 1000

-- name: sealed
select 'connection ' || id as row, 'con' as kind, id, sealed from connection where deleted is null
union all
select 'endpoint ' || id, 'end', id, sealed from endpoint
where deleted is null and (expires is null or expires > now())
limit 100000
