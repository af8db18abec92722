-- Lists compare whole rows: see callbacks.sql. An opt-out in force has word 2: domain/consent.py.

-- name: in_force
select s.key, s.word, (extract(epoch from s.since) * 1000)::bigint, s.id, s.address, e.callback
from unnest($1::uuid[]) as wanted (key)
cross join lateral (select * from suppression where suppression.key = wanted.key offset 0) as s
left join lateral (select callback from suppression_entry where id = s.id limit 1) as e on true

-- name: page
select s.id, s.key, s.kind, s.address, s.channel, s.sender, s.purpose, s.since, n.provider, n.id,
       e.source, e.event, e.callback, e.message, e.evidence
from ((select * from suppression
       where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2) and word = 2
       order by tenant desc, mode desc, id desc limit $5)
      union all
      (select * from suppression
       where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2) and word = 2
       order by tenant, mode, id limit $5)) as s
cross join lateral (select * from suppression_entry where id = s.id limit 1) as e
cross join lateral (select id, provider from connection where no = s.connection limit 1) as n

-- name: of_address
select s.id, s.key, s.kind, s.address, s.channel, s.sender, s.purpose, s.since, n.provider, n.id,
       e.source, e.event, e.callback, e.message, e.evidence
from (select * from suppression
      where tenant = $1 and mode = $2 and word = 2 and reverse(address) ^@ $6
        and ($7::int is null or length(address) = $7)
        and (id < $3 or id > $4)
      order by case when $4::uuid is not null then id end, id desc limit $5) as s
cross join lateral (select * from suppression_entry where id = s.id limit 1) as e
cross join lateral (select id, provider from connection where no = s.connection limit 1) as n

-- name: get
select s.id, s.key, s.kind, s.address, s.channel, s.sender, s.purpose, s.since, n.provider, n.id,
       e.source, e.event, e.callback, e.message, e.evidence
from suppression s
cross join lateral (select * from suppression_entry where id = s.id limit 1) as e
cross join lateral (select id, provider from connection where no = s.connection limit 1) as n
where s.id = $1 and s.tenant = $2 and s.mode = $3 and s.word = 2

-- name: history
select id, word, since, source, channel, sender, purpose, event, actor, person
from suppression_entry
where tenant = $1 and mode = $2 and kind = $3 and address = $4 and word < 4
order by id desc limit $5

-- name: remove
with gone as (
    update suppression set id = $4, word = $7, since = $8
    where id = $1 and tenant = $2 and mode = $3 and word = 2
    returning *)
insert into suppression_entry
    (id, tenant, mode, key, kind, address, channel, sender, purpose, connection, word, since,
     source, evidence, actor, person)
select id, tenant, mode, key, kind, address, channel, sender, purpose, connection, word, since,
       'by_hand', '{}', $5, $6
from gone
returning id
