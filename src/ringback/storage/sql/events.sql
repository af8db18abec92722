-- Of $before and $after one is null: that branch of a list finds nothing.

-- name: get
select id, type, body from event where id = $1 and tenant = $2 and mode = $3

-- name: page
select * from (
    (select id, body from event
     where tenant = $1 and mode = $2 and id < $3 order by id desc limit $5)
    union all
    (select id, body from event
     where tenant = $1 and mode = $2 and id > $4 order by id limit $5)) as found

-- name: of_type
select * from (
    (select older.id, older.body
     from (select id, type, body from event
           where tenant = $1 and mode = $2 and id < $3 order by id desc limit $6) as older
     where older.type = $7 or starts_with(older.type, $8)
     order by older.id desc limit $5)
    union all
    (select newer.id, newer.body
     from (select id, type, body from event
           where tenant = $1 and mode = $2 and id > $4 order by id limit $6) as newer
     where newer.type = $7 or starts_with(newer.type, $8)
     order by newer.id limit $5)) as found

-- name: edge
select * from (
    (select id from event
     where tenant = $1 and mode = $2 and id < $3 order by id desc offset $5 limit 1)
    union all
    (select id from event
     where tenant = $1 and mode = $2 and id > $4 order by id offset $5 limit 1)) as found

-- name: of_message
select * from (
    (select id, type, sequence, occurred, callback, body from event
     where subject = $6 and tenant = $1 and mode = $2 and id >= $7 and id < $3
     order by id desc limit $5)
    union all
    (select id, type, sequence, occurred, callback, body from event
     where subject = $6 and tenant = $1 and mode = $2 and id >= $7 and id > $4
     order by id limit $5)) as found

-- name: positions
select * from (
    (select pos, id from event
     where tenant = $1 and mode = $2 and pos <= $3 order by pos desc limit $5)
    union all
    (select pos, id from event
     where tenant = $1 and mode = $2 and pos >= $4 order by pos limit $5)) as found

-- name: briefs
select event.id, event.type, event.subject
from unnest($3::uuid[]) as wanted (id)
cross join lateral (
    select e.id, e.type, e.subject from event e
    where e.id = wanted.id and e.tenant = $1 and e.mode = $2) as event

-- name: whole
select id, subject, body from event where id = $1 and tenant = $2 and mode = $3
