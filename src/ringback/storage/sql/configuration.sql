-- name: installation
select hash_key, key_check, config_version from installation

-- name: set_key_check
update installation set key_check = $1 where key_check is null

-- name: change
with changed as (
    update installation set config_version = config_version + 1 returning config_version)
select config_version, pg_notify('ringback_configuration', config_version::text) from changed

-- name: lagging
select count(*)::int as workers from worker where alive and config_seen < $1

-- name: tenants
select no, id, name, uid, suspended is not null as suspended, deleted is not null as deleted,
       rate, burst
from tenant order by no

-- name: add_tenant
insert into tenant (id, uid, name) values ($1, $2, $3)
on conflict (uid) where deleted is null do update set name = tenant.name
returning no, id, name, uid, suspended is not null as suspended, false as deleted, rate, burst

-- name: keys
select id, tenant, mode, hash, expires, scopes, rate, burst, masked from api_key
where revoked is null and (expires is null or expires > now())

-- name: add_key
insert into api_key (id, tenant, mode, hash, hint, name, scopes, expires, rate, burst, masked)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: connections
select no, id, tenant, mode, provider, name, sealed, created, updated from connection
where deleted is null order by no

-- name: add_connection
insert into connection (id, tenant, mode, provider, name, token_hash, sealed)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (token_hash) do nothing
returning no

-- name: read_sealed_connection
select sealed from connection where id = $1 and tenant = $2 and mode = $3 and deleted is null
for update

-- name: change_connection
update connection set name = coalesce($4, name), sealed = $5, updated = now()
where id = $1 and tenant = $2 and mode = $3

-- name: delete_connection
update connection set deleted = now(), updated = now()
where id = $1 and tenant = $2 and mode = $3 and deleted is null returning no

-- name: endpoints
select no, id, tenant, mode, url, description, event_types, sealed, policy, disabled,
       disabled_for, created, updated, expires, uid, metadata
from endpoint
where deleted is null and (expires is null or expires > now()) order by no

-- name: held_endpoint
select no, id, tenant, mode, url, description, event_types, sealed, policy, disabled,
       disabled_for, created, updated, expires, uid, metadata
from endpoint
where id = $1 and tenant = $2 and mode = $3 and deleted is null
for update

-- name: add_endpoint
insert into endpoint (id, tenant, mode, url, description, event_types, sealed, expires, policy,
                      uid, metadata)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
returning no

-- name: free_uid
update endpoint set deleted = now(), updated = now()
where tenant = $1 and mode = $2 and uid = $3 and deleted is null and expires <= now()

-- name: read_sealed
select sealed from endpoint where id = $1 and tenant = $2 and mode = $3 and deleted is null
for update

-- name: write_sealed
update endpoint set sealed = $4, updated = now() where id = $1 and tenant = $2 and mode = $3

-- name: update_endpoint
update endpoint
set url = $4, description = $5, event_types = $6,
    disabled = case when $7 then coalesce(disabled, now()) end,
    disabled_for = case when $7 then $8 end,
    expires = $9, policy = $10, uid = $11, metadata = $12, updated = now()
where id = $1 and tenant = $2 and mode = $3 and deleted is null
returning no

-- name: disable_endpoint
update endpoint set disabled = now(), disabled_for = $5, updated = now()
where id = $1 and tenant = $2 and mode = $3 and url = $4 and disabled is null and deleted is null
returning disabled

-- name: delete_endpoint
update endpoint set deleted = now(), updated = now()
where id = $1 and tenant = $2 and mode = $3 and deleted is null returning no
