-- Callbacks that are held while the processing of their connection is paused.

-- name: mine
-- For the session: nobody waits in a transaction for what the program does meanwhile. A process
-- that dies ends it at once; of a machine that is lost, the server hears within half a minute.
select pg_try_advisory_lock($1::int, $2::int) as mine,
       set_config('tcp_keepalives_idle', '10', false),
       set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '3', false)

-- name: oldest
-- The oldest that are held of a connection, whole: $5 and $6 bytes at most, but one at least.
select h.id, h.received, h.method, h.url, h.peer, h.headers, h.body, h.reason
from (select c.*, sum(octet_length(c.body)) over (order by c.id) - octet_length(c.body) as before
      from (select * from callback
            where connection = $3 and outcome = $4 and tenant = $1 and mode = $2
            order by id limit $5) as c) as h
where h.before < $6
order by h.id

-- name: taken
-- What held callbacks were read as. Who has been read meanwhile stays as it is.
update callback c
set outcome = t.outcome, reason = t.reason, items = t.items, subject = t.subject
from unnest($4::uuid[], $5::smallint[], $6::text[], $7::int[], $8::uuid[])
     as t (id, outcome, reason, items, subject)
where c.id = t.id and c.tenant = $1 and c.mode = $2 and c.outcome = $3

-- name: weigh
-- How many are held of a connection behind an id, how many bytes they have, and the last one's id.
select count(*)::int as n, coalesce(sum(octet_length(h.body)), 0)::bigint as bytes,
       max(h.id::text)::uuid as last
from (select id, body from callback
      where connection = $3 and outcome = $4 and tenant = $1 and mode = $2 and id > $5
      order by id limit $6) as h

-- name: count
-- How many are held of connections, counted up to $3 of each, and when the oldest of them came.
select w.connection, h.n, h.oldest,
       coalesce(extract(epoch from now() - h.oldest), 0)::float8 as age_s
from unnest($1::int[]) as w (connection)
cross join lateral (
    select count(*)::int as n, min(received) as oldest
    from (select received from callback where connection = w.connection and outcome = $2
          order by id limit $3) as c) as h
