-- People who sign in, their sessions and links. What requests go by is read whole: persons,
-- memberships, sessions.

-- name: persons
select id, email, name, owner, password is not null as secured, created from person order by id

-- name: memberships
select person, in_tenant, role from membership

-- name: sessions
select hash, id, person, created, last_used, expires, address, agent from session
where expires > now() and last_used > now() - $1::interval

-- name: count
select count(*)::int as n from person

-- name: count_members
-- With those who may still accept an offer.
select ((select count(*) from membership where in_tenant = $1)
    + (select count(*) from sign_in_link where in_tenant = $1))::int as n

-- name: count_sessions
select count(*)::int as n from session

-- name: by_email
select id, password from person where email = $1

-- name: lock
select id, email, name, owner, password, created from person where id = $1 for update

-- name: memberships_of
select in_tenant, role from membership where person = $1

-- name: first_owner
select id from person where owner order by id limit 1 for update

-- name: secured_owners
select count(*)::int as n from person where owner and password is not null and id <> $1

-- name: add
insert into person (id, email, name, owner) values ($1, $2, $3, $4)
on conflict (email) do nothing returning id

-- name: change
update person
set email = coalesce($2, email), name = coalesce($3, name), password = coalesce($4, password),
    owner = coalesce($5, owner), updated = now()
where id = $1 returning id

-- name: remove
delete from person where id = $1 returning id

-- name: join
insert into membership (person, in_tenant, role) values ($1, $2, $3)
on conflict (person, in_tenant) do update set role = $3

-- name: leave
delete from membership where person = $1 and in_tenant = $2 returning person

-- name: leave_tenant
delete from membership where in_tenant = $1

-- name: remove_strangers
-- Who belongs nowhere any more.
delete from person p
where not p.owner and not exists (select from membership m where m.person = p.id)

-- name: add_session
insert into session (id, person, hash, expires, address, agent)
values ($1, $2, $3, now() + $4::interval, $5, $6)

-- name: trim_sessions
-- The least recently used of a person make room.
delete from session where id in (
    select id from session where person = $1 order by last_used desc, id desc offset $2)

-- name: end_session
delete from session where id = $1 returning id

-- name: end_sessions
delete from session where person = $1 and id is distinct from $2 returning id

-- name: used
update session set last_used = now()
where id = any ($1::uuid[]) and last_used < now() - interval '50 seconds'

-- name: expire_sessions
delete from session where expires <= now() or last_used <= now() - $1::interval returning id

-- name: add_link
insert into sign_in_link (hash, purpose, person, in_tenant, role, expires)
values ($1, $2, $3, $4, $5, now() + $6::interval)

-- name: replace_links
-- Those of the same kind: offers stand beside each other, one of each tenant.
delete from sign_in_link
where person is not distinct from $1 and in_tenant is not distinct from $2

-- name: drop_links
-- Of an owner also those of nobody, which sign an owner in.
delete from sign_in_link
where (person = $1 and (in_tenant is null or $2)) or (person is null and $3)

-- name: drop_offers
delete from sign_in_link where in_tenant = $1

-- name: find_link
select purpose, person, in_tenant, role from sign_in_link where hash = $1 and expires > now()

-- name: use_link
delete from sign_in_link where hash = $1 returning hash

-- name: expire_links
delete from sign_in_link where expires <= now()

-- name: try
-- Counts an attempt, unless the back-off of those before it has not passed: then there is no row.
insert into sign_in_trial as t (what, failures, last) values ($1, 1, now())
on conflict (what) do update
set failures = case when t.last < now() - interval '1 hour' then 1 else t.failures + 1 end,
    last = now()
where t.failures < $2 or t.last < now() - interval '1 hour'
   or t.last + make_interval(
       secs => least($3::float8, power(2.0::float8, least(t.failures - $2, 30)))) <= now()
returning failures

-- name: wait
select ceil(extract(epoch from
    last + make_interval(secs => least($3::float8, power(2.0::float8, least(failures - $2, 30))))
    - now()))::int
from sign_in_trial where what = $1

-- name: forgive
delete from sign_in_trial where what = $1

-- name: take_back
update sign_in_trial set failures = failures - 1 where what = $1 and failures > 0

-- name: expire_trials
delete from sign_in_trial where last < now() - interval '1 hour'
