-- Files that people send. A row is made with its message (hot/commit_batch.sql). `due` is when it
-- is to be fetched, or, while somebody is at it, until when they have it. No `due`: it is settled.

-- name: claim
-- Nobody's tenant: whoever fetches does so for all of them.
with oldest as (
    select id, connection, due from media where due <= now() order by due limit 1000),
ranked as (
    select id, connection, due, row_number() over (partition by connection order by due) as place
    from oldest)
update media set due = now() + make_interval(secs => $2), tries = tries + 1
where id in (
    select m.id from media m
    join ranked r on r.id = m.id
    left join unnest($4::int[], $5::int[]) as busy (connection, room)
        on busy.connection = r.connection
    where r.place <= coalesce(busy.room, $3) and m.due <= now()
    order by r.due limit $1 for update of m skip locked)
returning id, tenant, mode, connection, subject, entry, tries,
          extract(epoch from now() - created)::float8

-- name: kept
-- Whoever has taken longer than allowed no longer has it: `tries` has grown.
update media set state = 2, due = null, content_type = $3, size = $4, sha256 = $5, error = null
where id = $1 and tries = $2 and state = 1 returning id

-- name: again
update media set due = now() + make_interval(secs => $3), error = $4
where id = $1 and tries = $2 and state = 1 returning id

-- name: given_up
update media set state = 3, due = null, error = $3
where id = $1 and tries = $2 and state = 1 returning id

-- name: get
select id, subject, place, state, content_type, size, sha256, error, created
from media where id = $1 and tenant = $2 and mode = $3

-- name: linked
-- For whoever has a link, which only we can have made.
select id, subject, place, state, content_type, size, sha256, error, created
from media where id = $1

-- name: old
-- Of every tenant: removal knows no other period.
select id from media where id < $1 order by id limit $2

-- name: remove
delete from media where id = any ($1)
