-- name: read
select k.key, s.id, s.version, s.sequence, s.seen, s.data, k.part
from unnest($1::uuid[]) as wanted (key)
join subject_key k on k.key = wanted.key
join subject s on s.id = k.subject

-- name: read_facts
select f.subject, f.hash
from unnest($1::uuid[], $2::bigint[]) as wanted (subject, hash)
join fact f on f.subject = wanted.subject and f.hash = wanted.hash

-- name: read_once
select wanted.key
from once_generation g
cross join unnest($1::uuid[]) as wanted (key)
where exists (select from once_key o where o.gen = g.gen and o.key = wanted.key)
   or exists (select from once_key o where o.gen = g.gen - 1 and o.key = wanted.key)

-- name: commit
select base, lost, repeated, behind from commit_batch(
    $1, $2,
    $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    $17, $18,
    $19, $20, $21,
    $22, $23, $24, $25, $26, $27, $28, $29, $30,
    $31, $32,
    $33, $34, $35,
    $36, $37, $38,
    $39, $40, $41, $42, $43, $44, $45, $46, $47, $48,
    $49, $50, $51, $52)

-- name: stored_events
select e.id from unnest($1::uuid[]) as wanted (id)
cross join lateral (select id from event where event.id = wanted.id) as e

-- name: stored_callbacks
select c.id from unnest($1::uuid[]) as wanted (id)
cross join lateral (select id from callback where callback.id = wanted.id) as c
