-- name: lock
select pg_try_advisory_lock(8420, 3) as mine

-- name: old_messages
select id from subject where id < $1 and tenant = $2 and mode = $3 order by id limit $4

-- name: scopes
select distinct tenant, mode from (
    select no as tenant, m.mode from tenant cross join (values (1), (2)) as m (mode)) as scopes

-- name: remove_keys
delete from subject_key where subject = any($1::uuid[])

-- name: remove_facts
delete from fact where subject = any($1::uuid[])

-- name: remove_search
delete from search_key s
using unnest($1::int[], $2::smallint[], $3::smallint[], $4::text[], $5::uuid[])
    as gone (tenant, mode, kind, value, subject)
where s.tenant = gone.tenant and s.mode = gone.mode and s.kind = gone.kind
  and s.value = gone.value and s.subject = gone.subject

-- name: read_messages
-- Only messages are found by terms: subjects of other kinds hold something else.
select id, data from subject where id = any($1::uuid[]) and kind in (1, 8)

-- name: remove_subjects
delete from subject where id = any($1::uuid[])

-- name: left_over
-- Endpoints that are gone for a while and are owed something: whoever deleted them died at it.
select e.no from endpoint e
where (e.deleted < now() - interval '1 minute' or e.expires < now() - interval '1 minute')
  and exists (select from delivery d where d.endpoint = e.no)
order by e.no
