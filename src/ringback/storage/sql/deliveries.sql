-- `offset 0`: see subjects.sql.

-- name: finish
select r_lane, r_endpoint, r_ord, r_event, r_n, r_retry
from finish_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: claim
select r_lane, r_endpoint, r_ord, r_event, r_n, r_retry from claim($1, $2, $3, $4)

-- name: bodies
select event.id, event.body
from unnest($1::uuid[]) as wanted (id)
cross join lateral (select e.id, e.body from event e where e.id = wanted.id offset 0) as event

-- name: release
select release($1, $2, $3, $4)

-- name: end_gone
select end_gone($1, $2, $3, $4) as ended

-- name: owned
select lane, endpoint, ord, event, n, retry from delivery where owner = $1
