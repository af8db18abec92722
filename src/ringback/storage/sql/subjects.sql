-- Look-ups by array: `offset 0` keeps each inner part a look-up by its index. Without it the
-- planner may turn the join round and walk the table, once statistics say that it is empty.

-- name: read
-- The subjects that keys name, and behind them for which connections and addresses a send is on its
-- way, in one look: what a report belongs to follows from both.
select wanted.key, coalesce(m.id, s.id), coalesce(m.version, s.version),
       coalesce(m.sequence, s.sequence), coalesce(m.seen, s.seen), coalesce(m.data, s.data), k.part,
       null::int as connection, null::text as address
from unnest($1::uuid[]) as wanted (key)
cross join lateral (
    select subject_key.subject, subject_key.part from subject_key
    where subject_key.key = wanted.key offset 0) as k
cross join lateral (
    select subject.id, subject.version, subject.sequence, subject.seen, subject.data,
           subject.merged
    from subject where subject.id = k.subject offset 0) as s
left join lateral (
    select subject.id, subject.version, subject.sequence, subject.seen, subject.data
    from subject where subject.id = s.merged and s.merged is not null offset 0) as m on true
union all
select null, null, null, null, null, null, null, flying.connection, flying.address
from (
    select distinct wanted.connection, p.address
    from unnest($2::int[], $3::text[]) as wanted (connection, address)
    cross join lateral (
        select pending.address from pending
        where pending.connection = wanted.connection and pending.kind = 1
          and (pending.address = wanted.address or wanted.address is null)
          and pending.until > now()
        limit 1) as p) as flying

-- name: read_facts
select f.subject, f.hash
from unnest($1::uuid[], $2::bigint[]) as wanted (subject, hash)
cross join lateral (
    select fact.subject, fact.hash from fact
    where fact.subject = wanted.subject and fact.hash = wanted.hash offset 0) as f

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
    $22, $23, $24, $25, $26, $27, $28, $29, $30, $31,
    $32, $33, $34, $35, $36,
    $37, $38,
    $39, $40,
    $41, $42, $43,
    $44, $45, $46, $47, $48,
    $49, $50, $51,
    $52, $53, $54,
    $55, $56,
    $57, $58, $59, $60, $61, $62, $63, $64, $65, $66,
    $67, $68, $69,
    $70, $71, $72, $73, $74)

-- name: stored_events
select e.id from unnest($1::uuid[]) as wanted (id)
cross join lateral (select id from event where event.id = wanted.id offset 0) as e

-- name: stored_callbacks
select c.id from unnest($1::uuid[]) as wanted (id)
cross join lateral (select id from callback where callback.id = wanted.id offset 0) as c

-- name: forgotten
-- The oldest first: those that cannot be let go must not keep the others waiting.
select p.subject, p.tenant, p.mode from pending p
where p.kind = 2
  and (p.until <= now()
       or not exists (select from pending s
                      where s.connection = p.connection and s.kind = 1 and s.until > now()
                        and (s.address = p.address or p.address is null)))
order by p.until limit $1

-- name: drop_orphans
-- Whose subject was removed: there is nothing to let go.
delete from pending p
where p.subject = any ($1::uuid[]) and p.kind = 2
  and not exists (select from subject s where s.id = p.subject)

-- name: unanswered
-- Those that are finished just as their time is over are left to whoever does so.
select subject, tenant, mode from pending
where kind = 1 and until < now() - interval '5 seconds'
order by until limit $1

-- name: expire_sends
delete from pending where kind = 1 and until < now() - interval '1 hour'
