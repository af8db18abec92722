-- Files that people send. A row is made with its message (hot/commit_batch.sql). `due` is when it
-- is to be fetched, or, while somebody is at it, until when they have it. No `due`: it is settled.

-- name: claim
-- Nobody's tenant: whoever fetches does so for all of them. Each connection with files is found by
-- one step along the index, so that the many of one cannot hide those of another; the first ones
-- of each go before the second ones of any, what is under way counted.
with recursive waiting (connection) as (
    (select connection from media where due is not null and tried = $1
     order by connection limit 1)
    union all
    (select following.connection from waiting w cross join lateral (
        select m.connection from media m
        where m.due is not null and m.tried = $1 and m.connection > w.connection
        order by m.connection limit 1) as following)),
ranked as (
    select found.id, found.due, coalesce(busy.files, 0) + found.place as place
    from waiting w
    left join unnest($5::int[], $6::int[]) as busy (connection, files)
        on busy.connection = w.connection
    cross join lateral (
        select m.id, m.due, row_number() over (order by m.due) as place from media m
        where m.tried = $1 and m.connection = w.connection and m.due <= now() and m.unended < 3
        order by m.due limit greatest($4 - coalesce(busy.files, 0), 0)) as found)
update media set due = now() + make_interval(secs => $3), tries = tries + 1, unended = unended + 1
where id in (
    select m.id from media m join ranked r on r.id = m.id
    where m.due <= now() and m.tried = $1 and m.unended < 3
    order by r.place, r.due limit $2 for update of m skip locked)
returning id, tenant, mode, connection, subject, entry, tries, failures, unended,
          extract(epoch from now() - created)::float8

-- name: waits_alone
-- Whether a file is due that three tries in a row have not ended for: it may be what ends workers.
select exists (select from media where due <= now() and unended >= 3) as waits

-- name: claim_alone
-- Nobody's tenant, as in `claim`: the one of these that has waited longest.
update media set due = now() + make_interval(secs => $1), tries = tries + 1, unended = unended + 1
where id = (select id from media where due <= now() and unended >= 3
            order by due limit 1 for update skip locked)
returning id, tenant, mode, connection, subject, entry, tries, failures, unended,
          extract(epoch from now() - created)::float8

-- name: hold
-- Whoever is still at it.
update media set due = now() + make_interval(secs => $3)
where id = $1 and tries = $2 and state = 1 returning id

-- name: give_back
-- Broken off by whoever was at it: as if this try had not begun.
update media set due = now(), unended = unended - 1
where id = $1 and tries = $2 and state = 1

-- name: kept
-- Whoever has taken longer than allowed no longer has it: `tries` has grown.
update media
set state = 2, due = null, unended = 0, error = null, content_type = $3, size = $4, sha256 = $5
where id = $1 and tries = $2 and state = 1 returning id

-- name: again
update media set tried = true, failures = failures + 1, unended = 0,
       due = now() + make_interval(secs => $3), error = $4
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
