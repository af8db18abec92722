-- API keys as people see them; what requests go by is read by configuration.keys. Of $before and
-- $after one is null: that branch finds nothing.

-- name: get
select id, tenant, mode, hint, name, scopes, created, expires, revoked, last_used, rate, burst,
       masked
from api_key
where id = $1 and tenant = $2 and mode = $3

-- name: page
select * from (
    (select id, tenant, mode, hint, name, scopes, created, expires, revoked, last_used, rate, burst,
       masked
from api_key
     where tenant = $1 and mode = $2 and id < $3 order by id desc limit $5)
    union all
    (select id, tenant, mode, hint, name, scopes, created, expires, revoked, last_used, rate, burst,
       masked
from api_key
     where tenant = $1 and mode = $2 and id > $4 order by id limit $5)) as found

-- name: count
select count(*)::int as n from api_key where tenant = $1 and mode = $2 and revoked is null

-- name: revoke
update api_key set revoked = now()
where id = $1 and tenant = $2 and mode = $3 and revoked is null returning id

-- name: used
update api_key set last_used = now()
where id = any ($1::uuid[]) and (last_used is null or last_used < now() - interval '50 seconds')

-- name: forget
delete from api_key
where revoked < now() - interval '90 days' or expires < now() - interval '90 days'
