-- Answers by idempotency key, for a day. Publications are stored by commit_batch itself.

-- name: claim
insert into idempotency_key as known (key, tenant, mode, fingerprint) values ($1, $2, $3, $4)
on conflict (key) do update
set created = now(), fingerprint = excluded.fingerprint, status = null, answer = null
where known.created < now() - interval '1 day'
returning key

-- name: read
select fingerprint, status, answer, extract(epoch from now() - created)::float8 as age
from idempotency_key where key = $1 and tenant = $2 and mode = $3

-- name: answer
update idempotency_key set status = $4, answer = $5 where key = $1 and tenant = $2 and mode = $3

-- name: forget
delete from idempotency_key where key = $1 and tenant = $2 and mode = $3

-- name: read_publications
select k.key, k.fingerprint, k.answer
from unnest($1::uuid[]) as wanted (key)
cross join lateral (
    select key, fingerprint, answer from idempotency_key
    where idempotency_key.key = wanted.key
      and idempotency_key.created >= now() - interval '1 day' offset 0) as k

-- name: expire
delete from idempotency_key where key in (
    select key from idempotency_key where created < now() - interval '25 hours'
    order by created limit $1)
returning 1
