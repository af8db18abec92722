-- Of $before and $after one is null: that branch of a list finds nothing.

-- name: get
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider,
       c.url, c.peer, c.headers, c.body
from callback c join connection n on n.no = c.connection
where c.id = $1 and c.tenant = $2 and c.mode = $3

-- name: page
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider
from ((select id, received, method, outcome, reason, items, subject, connection from callback
       where tenant = $1 and mode = $2 and id < $3 order by id desc limit $5)
      union all
      (select id, received, method, outcome, reason, items, subject, connection from callback
       where tenant = $1 and mode = $2 and id > $4 order by id limit $5)) as c
join connection n on n.no = c.connection

-- name: filtered
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider
from connection n
cross join unnest($7::smallint[]) as o (outcome)
cross join lateral (
    (select id, received, method, outcome, reason, items, subject from callback
     where connection = n.no and outcome = o.outcome and tenant = $1 and mode = $2 and id < $3
     order by id desc limit $5)
    union all
    (select id, received, method, outcome, reason, items, subject from callback
     where connection = n.no and outcome = o.outcome and tenant = $1 and mode = $2 and id > $4
     order by id limit $5)) as c
where n.tenant = $1 and n.mode = $2 and ($6::uuid is null or n.id = $6)
order by case when $4::uuid is not null then c.id end, c.id desc
limit $5

-- name: of_message
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider
from (select id, received, method, outcome, reason, items, subject, connection from callback
      where subject = $3 and tenant = $1 and mode = $2 and id >= $4 order by id limit $5) as c
join connection n on n.no = c.connection

-- name: by_ids
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider
from unnest($3::uuid[]) as wanted (id)
cross join lateral (
    select id, received, method, outcome, reason, items, subject, connection from callback
    where id = wanted.id and tenant = $1 and mode = $2) as c
join connection n on n.no = c.connection

-- name: last_of_connection
select c.id, c.received, c.outcome
from unnest($4::smallint[]) as o (outcome)
cross join lateral (
    select id, received, outcome from callback
    where connection = $3 and outcome = o.outcome and tenant = $1 and mode = $2
    order by id desc limit 1) as c
order by c.id desc limit 1

-- name: reread
update callback set outcome = $2, reason = $3, items = $4 where id = $1
