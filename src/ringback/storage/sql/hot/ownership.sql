-- Who owns which open delivery: claiming, the heartbeat, retiring a dead worker, adoption.

-- Take due deliveries for the endpoints that have free slots. What can be claimed is the front of
-- its lane by construction.
create or replace function claim(p_worker int, p_now timestamptz, p_endpoints int[], p_free int[])
returns table (r_lane uuid, r_endpoint int, r_ord bigint, r_event uuid, r_n smallint)
language sql as $$
    with found as materialized (
        select due.* from unnest(p_endpoints, p_free) as e (endpoint, free)
        cross join lateral (
            select d.lane, d.endpoint, d.ord from delivery d
            where d.endpoint = e.endpoint and d.owner is null and d.due is not null
              and d.due <= coalesce(p_now, now())
            order by d.due limit e.free
            for update skip locked) as due)
    update delivery d set owner = p_worker from found
    where d.lane = found.lane and d.endpoint = found.endpoint and d.ord = found.ord
    returning d.lane, d.endpoint, d.ord, d.event, d.n
$$;

-- Show that a worker lives. No row: it was retired and has to register again.
create or replace function heartbeat(p_worker int, p_config_seen bigint)
returns table (r_beat bigint, r_config_version bigint, r_clock timestamptz)
language sql as $$
    update worker w set beat = w.beat + 1, config_seen = p_config_seen
    from installation i where w.id = p_worker and w.alive
    returning w.beat, i.config_version, clock_timestamp()
$$;

-- Declare a worker dead, if it has shown no beat since `p_beat` was read.
create or replace function retire(p_worker int, p_beat bigint) returns bool language sql as $$
    with gone as (update worker set alive = false
                  where id = p_worker and beat = p_beat and alive returning 1)
    select exists (select from gone)
$$;

-- Give back what no living worker owns, also what a retired one committed late. Returns how many.
create or replace function adopt(p_now timestamptz, p_limit int) returns int language sql as $$
    with left_behind as materialized (
        select d.lane, d.endpoint, d.ord from delivery d
        where d.owner is not null
          and not exists (select from worker w where w.id = d.owner and w.alive)
        limit p_limit for update skip locked),
    given as (
        update delivery d set owner = null, due = coalesce(p_now, now()) from left_behind b
        where d.lane = b.lane and d.endpoint = b.endpoint and d.ord = b.ord
        returning 1)
    select count(*)::int from given
$$;

-- A safety net that must always return 0: rows that wait with nothing in front of them.
create or replace function unblock(p_now timestamptz) returns int language sql as $$
    with freed as (
        update delivery d set due = coalesce(p_now, now())
        where d.owner is null and d.due is null
          and not exists (select from delivery f where f.lane = d.lane
                          and f.endpoint = d.endpoint and f.ord < d.ord)
        returning 1)
    select count(*)::int from freed
$$;

-- Give deliveries back without an attempt. Fenced like a completion.
create or replace function release(p_worker int, p_lane uuid[], p_endpoint int[], p_ord bigint[])
returns void language sql as $$
    update delivery d set owner = null, due = now()
    from unnest(p_lane, p_endpoint, p_ord) as r (lane, endpoint, ord)
    where d.lane = r.lane and d.endpoint = r.endpoint and d.ord = r.ord and d.owner = p_worker
$$;

-- End up to p_limit open deliveries of an endpoint that is gone. Returns how many.
create or replace function cancel_deliveries(p_endpoint int, p_limit int)
returns int language sql as $$
    with open as materialized (
        select d.lane, d.endpoint, d.ord from delivery d where d.endpoint = p_endpoint
        order by d.lane, d.endpoint, d.ord limit p_limit for update),
    ended as (
        delete from delivery d using open
        where d.lane = open.lane and d.endpoint = open.endpoint and d.ord = open.ord
        returning d.endpoint, d.ord, d.tenant, d.mode, d.event, d.n),
    logged as (
        insert into attempt (id, tenant, mode, event, endpoint, ord, n, worker, status, error, ms,
                             final, detail, response)
        select uuid7_now(), tenant, mode, event, endpoint, ord, n, 0, null, 'cancelled', 0, 3,
               convert_to('{"decision":"Cancelled: the endpoint was deleted."}', 'UTF8'), ''
        from ended
        returning 1)
    select count(*)::int from logged
$$;
