-- Types of events that tenants describe themselves.

-- name: all
select tenant, mode, name, description, version, schema, example, deprecated, note, archived,
       created, updated
from event_type order by tenant, mode, name

-- name: lock
select pg_advisory_xact_lock(hashtextextended($1, 8420))

-- name: held
select tenant, mode, name, description, version, schema, example, deprecated, note, archived,
       created, updated
from event_type where tenant = $1 and mode = $2 and name = $3 for update

-- name: put
insert into event_type as old (tenant, mode, name, description, schema, example, deprecated, note,
                               archived, version)
values ($1, $2, $3, $4, $5, $6, case when $7 then now() end, $8, case when $9 then now() end,
        case when $5::bytea is null then 0 else 1 end)
on conflict (tenant, mode, name) do update
set description = excluded.description, example = excluded.example, note = excluded.note,
    deprecated = case when $7 then coalesce(old.deprecated, now()) end,
    archived = case when $9 then coalesce(old.archived, now()) end,
    version = old.version
            + case when excluded.schema is null or excluded.schema = old.schema then 0 else 1 end,
    schema = excluded.schema, updated = now()
returning version

-- name: keep_schema
insert into event_type_schema (tenant, mode, name, version, body) values ($1, $2, $3, $4, $5)
on conflict (tenant, mode, name, version) do nothing

-- name: schema
select body from event_type_schema where tenant = $1 and mode = $2 and name = $3 and version = $4

-- name: delete
delete from event_type where tenant = $1 and mode = $2 and name = $3 returning name

-- name: delete_of_tenant
delete from event_type where tenant = $1
