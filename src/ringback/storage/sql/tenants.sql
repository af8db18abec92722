-- Tenants as their operators see them. Only operators get here: a tenant never names another.

-- name: get
select no, id, uid, name, created, updated, suspended, rate, burst from tenant
where no = $1 and deleted is null

-- name: page
select * from (
    (select no, id, uid, name, created, updated, suspended, rate, burst from tenant
     where deleted is null and id < $1 order by id desc limit $3)
    union all
    (select no, id, uid, name, created, updated, suspended, rate, burst from tenant
     where deleted is null and id > $2 order by id limit $3)) as found

-- name: count
select count(*)::int as n from tenant where deleted is null

-- name: put
insert into tenant (id, uid, name, suspended, rate, burst)
values ($1, $2, coalesce($3, $2), case when $4 then now() end, $6, $7)
on conflict (uid) where deleted is null do update
set name = coalesce($3, tenant.name), updated = now(),
    suspended = case when $4::bool is null then tenant.suspended
                     when $4 then coalesce(tenant.suspended, now()) end,
    rate = case when $5 then $6 else tenant.rate end,
    burst = case when $5 then $7 else tenant.burst end
returning no, id, xmax = 0 as new

-- name: change
update tenant
set name = coalesce($2, name), updated = now(),
    suspended = case when $3::bool is null then suspended
                     when $3 then coalesce(suspended, now()) end,
    rate = case when $4 then $5 else rate end, burst = case when $4 then $6 else burst end
where no = $1 and deleted is null returning no

-- name: delete
update tenant set deleted = now(), updated = now() where no = $1 and deleted is null returning no

-- name: revoke_keys
update api_key set revoked = now() where tenant = $1 and revoked is null

-- name: delete_connections
update connection set deleted = now(), updated = now() where tenant = $1 and deleted is null

-- name: delete_endpoints
update endpoint set deleted = now(), updated = now() where tenant = $1 and deleted is null
returning no
