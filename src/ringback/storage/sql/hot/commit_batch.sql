-- Write everything that a batch of callbacks brings about, in one transaction.
--
-- Called as one autocommit statement: nothing is ever held across a client round trip. Read
-- committed, so every statement below sees what the locks before it waited for.
-- Lock order, the same in every code path: new keys by key -> subjects by id -> once keys by key
-- -> people whose suppressions change, by the number of their lock, then suppressions by key
-- -> feed lock -> tails of lanes by (lane, endpoint).
--
-- Array parameters are columns of rows; null is none. Indexes into other arrays count from 1,
-- 0 means none.
--   cb_*  raw callbacks          of_*  which callback is about which subject
--   k_*   new keys               s_*   subjects; s_version is what was read, -1 for a new one
--   p_*   subjects that are pending from now on      q_*   those that no longer are,
--         provided that the subject q_with was kept as well
--   f_*   facts beyond a subject's 64      x_*  search keys      m_*  files to be fetched
--   o_*   once keys, of which i_* are idempotency keys, with what is kept of their requests
--   w_*   wishes of people, as JSON: each is written with the once key that it hangs on
--   e_*   events                 r_*  events that are stored already (replays)
--   d_*   deliveries, sorted by (lane, endpoint, event); d_event counts on from e_* into r_*
-- Returns: base   the position before the first event's
--          lost   subjects that somebody else created or changed first: read again and merge again
--          repeated  once keys that were known already: their events were not stored
--          behind    deliveries that wait behind an earlier row of their lane
create or replace function commit_batch(
    p_worker int, p_now timestamptz,
    cb_id uuid[], cb_tenant int[], cb_mode smallint[], cb_connection int[],
    cb_received timestamptz[], cb_method text[], cb_url text[], cb_peer text[],
    cb_headers bytea[], cb_body bytea[], cb_outcome smallint[], cb_reason text[], cb_items int[],
    cb_subject uuid[],
    of_callback int[], of_subject int[],
    k_key uuid[], k_subject int[], k_part smallint[],
    s_id uuid[], s_tenant int[], s_mode smallint[], s_kind smallint[], s_version int[],
    s_sequence int[], s_status smallint[], s_seen text[], s_data bytea[], s_merged uuid[],
    p_subject int[], p_kind smallint[], p_connection int[], p_address text[], p_seconds int[],
    q_subject int[], q_with int[],
    f_subject int[], f_hash bigint[],
    x_subject int[], x_kind smallint[], x_value text[],
    m_id uuid[], m_subject int[], m_place smallint[], m_connection int[], m_entry bytea[],
    o_key uuid[], o_tenant int[], o_mode smallint[],
    i_once int[], i_print bytea[], i_answer bytea[],
    w_once int[], w_entry text[],
    e_id uuid[], e_tenant int[], e_mode smallint[], e_type text[], e_subject int[], e_once int[],
    e_sequence int[], e_occurred timestamptz[], e_callback uuid[], e_body bytea[],
    r_id uuid[], r_tenant int[], r_mode smallint[],
    d_event int[], d_endpoint int[], d_lane uuid[], d_own bool[], d_retry bool[],
    out base bigint, out lost int[], out repeated int[], out behind int[]
) language plpgsql as $$
declare
    v_now  timestamptz := coalesce(p_now, now());
    v_kept int[];
    v_all  bool;
    v_gen  int;
    v_idle int[] := '{}';
    v_once int[];
    v_rows int;
    v_new  int := coalesce(cardinality(e_id), 0);
    v_old  int := coalesce(cardinality(r_id), 0);
    v_ids  uuid[];
begin
    lost := '{}'; repeated := '{}'; behind := '{}';
    i_once := coalesce(i_once, '{}');

    -- 1 New keys, in key order. The unique index decides between two creators of one subject; the
    -- loser waits for the winner's commit here and then reads it in its next batch.
    if cardinality(k_key) > 0 then
        with added as (
            insert into subject_key (key, tenant, mode, subject, part)
            select k.key, s_tenant[k.s], s_mode[k.s], s_id[k.s], k.part
            from unnest(k_key, k_subject, k_part) as k (key, s, part)
            order by k.key
            on conflict do nothing
            returning key)
        select coalesce(array_agg(distinct k.s), '{}') into lost
        from unnest(k_key, k_subject) as k (key, s)
        where k.key not in (select added.key from added);
    end if;

    -- 2 Subjects, in id order: insert the new, update the known unless somebody changed them since
    -- they were read. No row back = lost.
    v_all := true;
    if cardinality(s_id) > 0 then
        with written as (
            insert into subject as stored
                (id, tenant, mode, kind, version, sequence, status, seen, data, merged)
            select s.id, s.tenant, s.mode, s.kind, s.version + 1, s.sequence, s.status,
                   s.seen::bigint[], s.data, s.merged
            from unnest(s_id, s_tenant, s_mode, s_kind, s_version, s_sequence, s_status, s_seen,
                        s_data, s_merged) with ordinality
                 as s (id, tenant, mode, kind, version, sequence, status, seen, data, merged, i)
            where s.i <> all (lost)
            order by s.id
            on conflict (id) do update
                set version = excluded.version, kind = excluded.kind, sequence = excluded.sequence,
                    status = excluded.status, seen = excluded.seen, data = excluded.data,
                    merged = excluded.merged
                where stored.version = excluded.version - 1
            returning stored.id)
        select count(*)::int, coalesce(array_agg(written.id), '{}') into v_rows, v_ids from written;
        -- Nearly always every row was written; only otherwise is it worth finding out which.
        v_all := v_rows = cardinality(s_id);
    end if;
    if not v_all then
        select coalesce(array_agg(s.i::int) filter (where s.id = any (v_ids)), '{}') || 0,
               coalesce(array_agg(s.i::int) filter (where s.id <> all (v_ids)), '{}')
        into v_kept, lost
        from unnest(s_id) with ordinality as s (id, i);
        -- A lost creator takes its other new keys back, and no key that names somebody else.
        delete from subject_key
        where key = any (array(select k.key from unnest(k_key, k_subject) as k (key, s)
                               where k.s = any (lost) and s_version[k.s] < 0))
          and subject = any (array(
              select s.id from unnest(s_id, s_version) with ordinality as s (id, version, i)
              where s.i = any (lost) and s.version < 0));
    end if;

    -- 3 What hangs on subjects that were kept.
    if cardinality(f_subject) > 0 then
        insert into fact (subject, hash, tenant, mode)
        select s_id[f.s], f.hash, s_tenant[f.s], s_mode[f.s]
        from unnest(f_subject, f_hash) as f (s, hash) where v_all or f.s = any (v_kept)
        on conflict do nothing;
    end if;
    if cardinality(x_subject) > 0 then
        insert into search_key (tenant, mode, kind, value, subject)
        select s_tenant[x.s], s_mode[x.s], x.kind, x.value, s_id[x.s]
        from unnest(x_subject, x_kind, x_value) as x (s, kind, value)
        where v_all or x.s = any (v_kept)
        on conflict do nothing;
    end if;
    if cardinality(m_id) > 0 then
        insert into media (id, tenant, mode, connection, subject, place, entry, due)
        select m.id, s_tenant[m.s], s_mode[m.s], m.connection, s_id[m.s], m.place, m.entry, v_now
        from unnest(m_id, m_subject, m_place, m_connection, m_entry)
             as m (id, s, place, connection, entry)
        where v_all or m.s = any (v_kept);
    end if;
    if cardinality(p_subject) > 0 then
        insert into pending (subject, tenant, mode, kind, connection, address, until)
        select s_id[p.s], s_tenant[p.s], s_mode[p.s], p.kind, p.connection, p.address,
               v_now + p.seconds * interval '1 second'
        from unnest(p_subject, p_kind, p_connection, p_address, p_seconds)
             as p (s, kind, connection, address, seconds)
        where v_all or p.s = any (v_kept)
        on conflict (subject) do nothing;
    end if;
    if cardinality(q_subject) > 0 then
        delete from pending
        where subject = any (array(
            select s_id[q.s] from unnest(q_subject, q_with) as q (s, w)
            where v_all or (q.s = any (v_kept) and q.w = any (v_kept))));
    end if;
    -- A callback is stored unless every subject it is about was lost: then it comes again.
    if cardinality(cb_id) > 0 then
        insert into callback (id, tenant, mode, connection, received, method, url, peer, headers,
                              body, outcome, reason, items, subject)
        select c.id, c.tenant, c.mode, c.connection, c.received, c.method, c.url, c.peer, c.headers,
               c.body, c.outcome, c.reason, c.items, c.subject
        from unnest(cb_id, cb_tenant, cb_mode, cb_connection, cb_received, cb_method, cb_url,
                    cb_peer, cb_headers, cb_body, cb_outcome, cb_reason, cb_items, cb_subject)
             with ordinality
             as c (id, tenant, mode, connection, received, method, url, peer, headers, body,
                   outcome, reason, items, subject, i)
        where v_all
           or not exists (select from unnest(of_callback, of_subject) as o (c, s)
                          where o.c = c.i and o.s = any (lost))
           or exists (select from unnest(of_callback, of_subject) as o (c, s)
                      where o.c = c.i and o.s = any (v_kept));
    end if;

    -- Things without a subject happen once per key. The shared lock keeps the generation from
    -- being switched under us: two generations must never be written at the same time.
    -- A key whose events all came to nothing with their subjects is not claimed: they come again.
    if cardinality(o_key) > 0 then
        if not v_all then
            select coalesce(array_agg(e.o), '{}') into v_idle
            from (select e.o from unnest(e_once, e_subject) as e (o, s) where e.o > 0
                  group by e.o having bool_and(e.s <> all (v_kept))) as e;
            -- What one answer is kept for is stored as a whole: the batch is tried again.
            if exists (select from unnest(i_once) as i (o)
                       where i.o <> all (v_idle)
                         and exists (select from unnest(e_once, e_subject) as e (o, s)
                                     where e.o = i.o and e.s <> all (v_kept))) then
                raise exception 'a publication has lost some of its subjects'
                    using errcode = 'serialization_failure';
            end if;
        end if;
    end if;
    if cardinality(i_once) > 0 then
        with added as (
            insert into idempotency_key as known
                (key, tenant, mode, created, fingerprint, status, answer)
            select o_key[i.o], o_tenant[i.o], o_mode[i.o], v_now, i.print, 201, i.answer
            from unnest(i_once, i_print, i_answer) as i (o, print, answer)
            where i.o <> all (v_idle)
            order by o_key[i.o]
            on conflict (key) do update
                set created = excluded.created, fingerprint = excluded.fingerprint,
                    status = excluded.status, answer = excluded.answer
                where known.created < excluded.created - interval '1 day'
            returning known.key)
        select coalesce(array_agg(i.o), '{}') into repeated
        from unnest(i_once) as i (o)
        where i.o <> all (v_idle) and o_key[i.o] not in (select added.key from added);
    end if;
    if cardinality(o_key) > cardinality(i_once) then
        perform pg_advisory_xact_lock_shared(8420, 2);
        select gen into v_gen from once_generation;
        with added as (
            insert into once_key (gen, key, tenant, mode)
            select v_gen, o.key, o.tenant, o.mode
            from unnest(o_key, o_tenant, o_mode) with ordinality as o (key, tenant, mode, i)
            where o.i <> all (v_idle) and o.i <> all (i_once)
              and not exists (select from once_key p where p.gen = v_gen - 1 and p.key = o.key)
            order by o.key
            on conflict do nothing
            returning key)
        select coalesce(array_agg(o.i::int), '{}') into v_once
        from unnest(o_key) with ordinality as o (key, i)
        where o.i <> all (v_idle) and o.i <> all (i_once)
          and o.key not in (select added.key from added);
        repeated := repeated || v_once;
    end if;

    if cardinality(w_entry) > 0 then
        perform take_wishes(array(
            select w.entry::jsonb from unnest(w_once, w_entry) as w (o, entry)
            where w.o <> all (repeated) and w.o <> all (v_idle)));
    end if;

    if v_new + v_old = 0 then
        base := 0;
        return;
    end if;

    -- 4 The feed lock: from here to the end of the commit one transaction at a time, so that
    -- position = order of commits = order in every lane.
    perform pg_advisory_xact_lock(8420, 1);
    base := nextval('feed_position');
    perform setval('feed_position', base + v_new + v_old);
    insert into event (id, tenant, mode, pos, type, subject, sequence, occurred, callback, body)
    select e.id, e.tenant, e.mode, base + e.i, e.type, s_id[nullif(e.s, 0)], e.sequence,
           e.occurred, e.callback, e.body
    from unnest(e_id, e_tenant, e_mode, e_type, e_subject, e_once, e_sequence, e_occurred,
                e_callback, e_body) with ordinality
         as e (id, tenant, mode, type, s, o, sequence, occurred, callback, body, i)
    where (v_all or e.s = any (v_kept)) and e.o <> all (repeated);

    if coalesce(cardinality(d_event), 0) = 0 then
        return;
    end if;

    -- 5 A new statement, so a new snapshot: every earlier row of our lanes is visible. Only the
    -- first of our rows in a lane can be ready, and only when no open row stands in front.
    -- `for key share` holds back nothing but the deletion of that row, so whoever completes it
    -- will see ours; it never makes us wait for a release.
    with mine as materialized (
        select d.event, d.endpoint, d.lane, d.own, d.retry, d.i,
               row_number() over (partition by d.lane, d.endpoint order by d.event) = 1 as first
        from unnest(d_event, d_endpoint, d_lane, d_own, d_retry) with ordinality
             as d (event, endpoint, lane, own, retry, i)
        where d.event > v_new
           or ((v_all or e_subject[d.event] = any (v_kept)) and e_once[d.event] <> all (repeated))
        order by d.lane, d.endpoint, d.event),
    tail as materialized (
        select mine.i
        from mine cross join lateral (
            select from delivery
            where delivery.lane = mine.lane and delivery.endpoint = mine.endpoint
            order by delivery.ord desc limit 1
            for key share) as last
        where mine.first),
    added as (
        insert into delivery (lane, endpoint, ord, tenant, mode, event, owner, due, n, retry)
        select mine.lane, mine.endpoint, base + mine.event,
               coalesce(e_tenant[mine.event], r_tenant[mine.event - v_new]),
               coalesce(e_mode[mine.event], r_mode[mine.event - v_new]),
               coalesce(e_id[mine.event], r_id[mine.event - v_new]),
               case when ready.is and mine.own then p_worker end,
               case when ready.is then v_now end, 0, mine.retry
        from mine cross join lateral (
            select mine.first
                   and not exists (select from tail where tail.i = mine.i) as is) as ready)
    select coalesce(array_agg(tail.i::int), '{}') into behind from tail;
end $$;
