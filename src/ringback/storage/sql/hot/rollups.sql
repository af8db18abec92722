-- Counting what was committed into roll-ups, away from every hot path. ADR 40 has the reasons.
--
-- What counts a stretch also counts the tail that is not folded yet, so that both agree.

-- The milliseconds since 1970 that a UUIDv7 carries.
create or replace function ms_of(p_id uuid) returns bigint language sql immutable as $$
    select ('x' || encode(substring(uuid_send(p_id) for 6), 'hex'))::bit(48)::bigint
$$;

-- The smallest UUIDv7-ordered value of a millisecond.
create or replace function floor_of(p_ms bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(p_ms), 12, '0') || repeat('0', 20))::uuid
$$;

-- The bucket of a duration: 0 up to one millisecond, then four for each doubling. Each parameter of
-- these functions is used once, so that the planner takes them apart instead of calling them.
create or replace function log_bucket(p_ms double precision) returns int
language sql immutable as $$
    select least(ceil(ln(greatest(p_ms, 1)) * 5.770780163555853 - 0.000001)::int, 159)
$$;

-- The code of the first status behind a mark in an event's body; see domain/messages.py. Our own
-- bodies have the message's before any text of somebody else's, in which quotes are escaped.
create or replace function status_in(p_body bytea, p_mark bytea) returns smallint
language sql immutable as $$
    select (case substring(p_body from nullif(position(p_mark in p_body), 0)
                                       + octet_length(p_mark) for 3)
            when 'del'::bytea then 5 when 'sen'::bytea then 4 when 'rea'::bytea then 6
            when 'sub'::bytea then 3 when 'que'::bytea then 2 when 'sch'::bytea then 1
            when 'fai'::bytea then 7 when 'exp'::bytea then 8 when 'can'::bytea then 9
            when 'unc'::bytea then 10 when 'rec'::bytea then 11 end)::smallint
$$;

-- What up to p_limit events beyond a position change: by the minute in which a message was
-- accepted, one more in the status in which an event left it and one less in that before. Several
-- events may come of one report, one behind the other in the feed, and all of them say how the
-- message stands in the end: each is counted from where the one before it stood, and a stretch does
-- not end between them. Windows take the rows as they come, which is in the order of the feed. Rows
-- of kind 0 say where the stretch ends: its position, how many events, the time of the newest.
create or replace function count_messages(
    p_tenant int, p_mode smallint, p_pos bigint, p_limit int, p_oldest uuid
) returns table (r_kind smallint, r_minute int, r_slot smallint, r_n bigint)
language sql stable as $$
    with told as materialized (
        select e.pos, e.subject, e.about, ms_of(e.id) as at, ms_of(e.subject) as born,
               case when e.about then status_in(e.body, '"status":"') end as stands,
               case when e.about then status_in(e.body, '"previous_status":"') end as stood
        from (select id, pos, subject, body,
                     subject is not null and type ^@ 'message.' as about
              from event
              where (tenant, mode, pos) > (p_tenant, p_mode, p_pos)
                and (tenant, mode) <= (p_tenant, p_mode) and id >= p_oldest
              order by tenant, mode, pos limit p_limit) as e),
    edge as materialized (
        select case when count(*) < p_limit then max(t.pos)
                    else coalesce(
                        (select max(o.pos) from told o
                         where o.subject is distinct from
                               (select l.subject from told l order by l.pos desc limit 1)),
                        max(t.pos)) end as upto
        from told t),
    moved as materialized (
        select t.pos, t.at, t.born, t.stands,
               case when not t.about then null
                    when t.subject = lag(t.subject) over () and lag(t.about) over ()
                    then lag(t.stands) over ()
                    else t.stood end as stood
        from told t),
    kept as materialized (select m.* from moved m, edge where m.pos <= edge.upto)
    select 1::smallint, (k.born / 60000)::int, change.slot, sum(change.n)
    from kept k cross join lateral (values (k.stands, 1), (k.stood, -1)) as change (slot, n)
    where change.slot is not null and k.stands is distinct from k.stood
    group by 2, 3 having sum(change.n) <> 0
    union all
    select 2::smallint, (k.at / 60000)::int, log_bucket(k.at - k.born)::smallint, count(*)
    from kept k
    where k.stands between 5 and 10 and (k.stood is null or k.stood < 5)
    group by 2, 3
    union all
    select 0::smallint, 0, part.slot, part.n
    from (select max(k.pos) as upto, count(*) as n, max(k.at) as newest from kept k) as e
    cross join lateral (values (0::smallint, e.upto), (1::smallint, e.n), (2::smallint, e.newest))
         as part (slot, n)
$$;

-- What is counted of each attempt and callback; slots as in domain/figures.py. A first attempt that
-- comes late may be a replay's: that began at another place of the feed than its event.
create or replace view rollup_source as
    select 3::smallint as kind, a.id, a.tenant, a.mode, a.endpoint as about,
           (ms_of(a.id) / 60000)::int as minute,
           case when a.worker = 0 then array[case a.final when 2 then 20 when 3 then 21 end]
                else array[
                    case when a.final = 1 then 1 else 2 end,
                    case when a.status is null then 19 else 10 + least(a.status / 100, 6) end,
                    case a.final when 2 then 20 when 3 then 21 end,
                    100 + log_bucket(a.ms),
                    case when a.n = 1 and a.final = 1
                              and (ms_of(a.id) - ms_of(a.event) < 60000
                                   or exists (select from event e
                                              where e.id = a.event and e.pos = a.ord offset 0))
                         then 300 + log_bucket(ms_of(a.id) - ms_of(a.event) + a.ms) end]
           end::smallint[] as slots
    from attempt a
    union all
    select 4::smallint, c.id, c.tenant, c.mode, c.connection, (ms_of(c.id) / 60000)::int,
           array[c.outcome]
    from callback c;

-- Add counts to the roll-ups of every width that still covers their minute.
create or replace function add_to_rollups(
    p_now int, p_tenant int[], p_mode smallint[], p_kind smallint[], p_about int[],
    p_minute int[], p_slot smallint[], p_n bigint[]
) returns void language sql as $$
    insert into rollup as r (tenant, mode, kind, width, about, since, slots, ns)
    select f.tenant, f.mode, f.kind, f.width, f.about, f.since, array_agg(f.slot), array_agg(f.n)
    from (select c.tenant, c.mode, c.kind, w.width, c.about,
                 c.minute / w.width * w.width as since, c.slot, sum(c.n)::bigint as n
          from unnest(p_tenant, p_mode, p_kind, p_about, p_minute, p_slot, p_n)
               as c (tenant, mode, kind, about, minute, slot, n)
          cross join (values (1::smallint, 150), (15::smallint, 4320), (60::smallint, 23040))
               as w (width, covered)
          where c.minute >= p_now - w.covered
          group by 1, 2, 3, 4, 5, 6, 7 having sum(c.n) <> 0) as f
    group by 1, 2, 3, 4, 5, 6
    order by 1, 2, 3, 4, 5, 6
    on conflict (tenant, mode, kind, width, about, since) do update
    set (slots, ns) = (
        select coalesce(array_agg(s.slot order by s.slot), '{}'),
               coalesce(array_agg(s.n order by s.slot), '{}')
        from (select b.slot, sum(b.n)::bigint as n
              from (select * from unnest(r.slots, r.ns) as old (slot, n)
                    union all
                    select * from unnest(excluded.slots, excluded.ns) as new (slot, n)) as b
              group by b.slot having sum(b.n) <> 0) as s)
$$;

-- Fold up to p_limit events of a tenant and mode; returns how many. The place moves with the counts
-- or neither does.
create or replace function fold_messages(
    p_now timestamptz, p_tenant int, p_mode smallint, p_limit int
) returns int language plpgsql as $$
declare
    v_place  rollup_place;
    v_kind   smallint[];
    v_minute int[];
    v_slot   smallint[];
    v_n      bigint[];
    v_pos    bigint;
    v_count  int;
    v_newest bigint;
begin
    insert into rollup_place values (1, p_tenant, p_mode, 0, floor_of(0), p_now)
    on conflict do nothing;
    select * into v_place from rollup_place p
    where p.kind = 1 and p.tenant = p_tenant and p.mode = p_mode for update;

    select array_agg(c.r_kind) filter (where c.r_kind > 0),
           array_agg(c.r_minute) filter (where c.r_kind > 0),
           array_agg(c.r_slot) filter (where c.r_kind > 0),
           array_agg(c.r_n) filter (where c.r_kind > 0),
           max(c.r_n) filter (where c.r_kind = 0 and c.r_slot = 0),
           max(c.r_n) filter (where c.r_kind = 0 and c.r_slot = 1),
           max(c.r_n) filter (where c.r_kind = 0 and c.r_slot = 2)
    into v_kind, v_minute, v_slot, v_n, v_pos, v_count, v_newest
    from count_messages(p_tenant, p_mode, v_place.pos, p_limit,
                        floor_of(greatest(ms_of(v_place.last) - 120000, 0))) as c;
    perform add_to_rollups(
        (extract(epoch from p_now)::bigint / 60)::int, array_fill(p_tenant, size.is),
        array_fill(p_mode, size.is), v_kind, array_fill(0, size.is), v_minute, v_slot, v_n)
    from (select array[coalesce(cardinality(v_kind), 0)] as is) as size;
    update rollup_place p
    set pos = coalesce(v_pos, p.pos), folded = p_now,
        last = greatest(p.last, floor_of(coalesce(v_newest, 0)))
    where p.kind = 1 and p.tenant = p_tenant and p.mode = p_mode;
    return v_count;
end $$;

-- Fold up to p_limit attempts (kind 3) or callbacks (4) with ids below p_before; returns whether
-- there are more.
create or replace function fold_ids(
    p_now timestamptz, p_kind smallint, p_before uuid, p_limit int
) returns bool language plpgsql as $$
declare
    v_now    int := extract(epoch from p_now)::bigint / 60;
    v_place  rollup_place;
    v_before uuid;
begin
    insert into rollup_place values (p_kind, 0, 0, 0, floor_of(0), p_now) on conflict do nothing;
    select * into v_place from rollup_place p
    where p.kind = p_kind and p.tenant = 0 and p.mode = 0 for update;
    if v_place.last >= p_before then
        return false;
    end if;
    if p_kind = 3 then
        select a.id into v_before from attempt a where a.id >= v_place.last and a.id < p_before
        order by a.id offset p_limit limit 1;
    else
        select c.id into v_before from callback c where c.id >= v_place.last and c.id < p_before
        order by c.id offset p_limit limit 1;
    end if;
    v_before := coalesce(v_before, p_before);

    perform add_to_rollups(v_now, array_agg(c.tenant), array_agg(c.mode), array_agg(p_kind),
                           array_agg(coalesce(c.about, 0)), array_agg(c.minute),
                           array_agg(c.slot), array_agg(c.n))
    from (select g.tenant, g.mode, g.about, g.minute, u.slot, sum(g.n)::bigint as n
          from (select s.tenant, s.mode, s.about, s.minute, s.slots, count(*) as n
                from rollup_source s
                where s.kind = p_kind and s.id >= v_place.last and s.id < v_before
                group by 1, 2, 3, 4, 5) as g
          cross join lateral unnest(g.slots) as u (slot)
          where u.slot is not null
          group by grouping sets ((1, 2, 3, 4, 5), (1, 2, 4, 5))) as c;

    insert into rollup_minute as m (kind, minute, n, checks)
    select p_kind, w.minute, coalesce(c.n, 0), 0
    from generate_series(greatest((ms_of(v_place.last) / 60000)::int, v_now - 150),
                         (ms_of(v_before) / 60000)::int) as w (minute)
    left join (select (ms_of(x.id) / 60000)::int as minute, count(*) as n
               from (select a.id from attempt a
                     where p_kind = 3 and a.id >= v_place.last and a.id < v_before
                     union all
                     select c.id from callback c
                     where p_kind = 4 and c.id >= v_place.last and c.id < v_before) as x
               group by 1) as c using (minute)
    on conflict (kind, minute) do update set n = m.n + excluded.n;
    update rollup_place p set last = v_before, folded = p_now
    where p.kind = p_kind and p.tenant = 0 and p.mode = 0;
    return v_before < p_before;
end $$;

-- Look once more at the minutes that are due for it, five minutes and an hour after they ended:
-- what was committed late is counted then. Returns how much that was.
create or replace function check_minutes(p_now timestamptz, p_kind smallint) returns bigint
language plpgsql as $$
declare
    v_now    int := extract(epoch from p_now)::bigint / 60;
    v_last   uuid;
    v_minute record;
    v_from   uuid;
    v_upto   uuid;
    v_true   bigint;
    v_late   bigint := 0;
begin
    select p.last into v_last from rollup_place p
    where p.kind = p_kind and p.tenant = 0 and p.mode = 0 for update;
    for v_minute in
        select m.minute, m.n, m.checks from rollup_minute m
        where m.kind = p_kind and (m.minute + 1) * 60000::bigint <= ms_of(v_last)
          and ((m.checks = 0 and m.minute < v_now - 5) or (m.checks = 1 and m.minute < v_now - 60))
        order by m.minute limit 20
    loop
        v_from := floor_of(v_minute.minute * 60000::bigint);
        v_upto := floor_of((v_minute.minute + 1) * 60000::bigint);
        if p_kind = 3 then
            select count(*) into v_true from attempt a where a.id >= v_from and a.id < v_upto;
        else
            select count(*) into v_true from callback c where c.id >= v_from and c.id < v_upto;
        end if;
        if v_true <> v_minute.n and v_minute.minute >= v_now - 150 then
            perform add_to_rollups(v_now, array_agg(t.tenant), array_agg(t.mode),
                                   array_agg(p_kind), array_agg(t.about),
                                   array_agg(v_minute.minute), array_agg(t.slot),
                                   array_agg(t.n - coalesce(k.n, 0)))
            from (select s.tenant, s.mode, coalesce(s.about, 0) as about, u.slot, count(*) as n
                  from rollup_source s cross join lateral unnest(s.slots) as u (slot)
                  where s.kind = p_kind and s.id >= v_from and s.id < v_upto
                    and u.slot is not null
                  group by grouping sets ((s.tenant, s.mode, s.about, u.slot),
                                          (s.tenant, s.mode, u.slot))) as t
            left join lateral (
                select x.n from rollup r cross join lateral unnest(r.slots, r.ns) as x (slot, n)
                where r.tenant = t.tenant and r.mode = t.mode and r.kind = p_kind
                  and r.width = 1 and r.about = t.about and r.since = v_minute.minute
                  and x.slot = t.slot) as k on true;
            v_late := v_late + v_true - v_minute.n;
        end if;
        update rollup_minute m set n = v_true, checks = v_minute.checks + 1
        where m.kind = p_kind and m.minute = v_minute.minute;
    end loop;
    return v_late;
end $$;
