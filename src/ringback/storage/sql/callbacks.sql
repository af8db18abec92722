-- Lists compare whole rows, (tenant, mode, id) or (connection, outcome, id), so that no statistics
-- can talk the planner into any index but theirs. Of $before and $after one is null: that branch
-- finds nothing.

-- name: get
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider,
       c.url, c.peer, c.headers, c.body
from callback c join connection n on n.no = c.connection
where c.id = $1 and c.tenant = $2 and c.mode = $3

-- name: page
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider
from ((select id, received, method, outcome, reason, items, subject, connection from callback
       where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
       order by tenant desc, mode desc, id desc limit $5)
      union all
      (select id, received, method, outcome, reason, items, subject, connection from callback
       where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
       order by tenant, mode, id limit $5)) as c
cross join lateral (select id, provider from connection where no = c.connection limit 1) as n

-- name: filtered
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider
from connection n
cross join unnest($7::smallint[]) as o (outcome)
cross join lateral (
    (select id, received, method, outcome, reason, items, subject from callback
     where (connection, outcome, id) < (n.no, o.outcome, $3)
       and (connection, outcome) >= (n.no, o.outcome)
     order by connection desc, outcome desc, id desc limit $5)
    union all
    (select id, received, method, outcome, reason, items, subject from callback
     where (connection, outcome, id) > (n.no, o.outcome, $4)
       and (connection, outcome) <= (n.no, o.outcome)
     order by connection, outcome, id limit $5)) as c
where n.tenant = $1 and n.mode = $2 and ($6::uuid is null or n.id = $6)
order by case when $4::uuid is not null then c.id end, c.id desc
limit $5

-- name: of_message
-- The fence (offset 0) keeps the tenant out of the choice of an index: the subject's is the one.
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider
from unnest($3::uuid[], $4::uuid[]) as wanted (subject, not_before)
cross join lateral (
    select * from callback
    where subject = wanted.subject and id >= wanted.not_before offset 0) as c
cross join lateral (select id, provider from connection where no = c.connection limit 1) as n
where c.tenant = $1 and c.mode = $2
order by c.id limit $5

-- name: by_ids
select c.id, c.received, c.method, c.outcome, c.reason, c.items, c.subject, n.id, n.provider
from unnest($3::uuid[]) as wanted (id)
cross join lateral (select * from callback where id = wanted.id limit 1) as c
cross join lateral (select id, provider from connection where no = c.connection limit 1) as n
where c.tenant = $1 and c.mode = $2

-- name: digests
select c.id, sha256(c.body)
from unnest($3::uuid[]) as wanted (id)
cross join lateral (select * from callback where id = wanted.id limit 1) as c
where c.tenant = $1 and c.mode = $2

-- name: last_of_connection
select c.id, c.received, c.outcome
from connection n
cross join unnest($4::smallint[]) as o (outcome)
cross join lateral (
    select id, received, outcome from callback
    where (connection, outcome) <= (n.no, o.outcome) and (connection, outcome) >= (n.no, o.outcome)
    order by connection desc, outcome desc, id desc limit 1) as c
where n.no = $3 and n.tenant = $1 and n.mode = $2
order by c.id desc limit 1

-- name: reread
update callback set outcome = $4, reason = $5, items = $6
where id = $1 and tenant = $2 and mode = $3
