-- Who owns which open delivery: claiming, the heartbeat, retiring a dead worker, adoption.
--
-- Rows of `delivery` are changed one by one by their primary key; see finish_batch for why.

-- Take due deliveries for the endpoints that have free slots. What can be claimed is the front of
-- its lane by construction.
create or replace function claim(p_worker int, p_now timestamptz, p_endpoints int[], p_free int[])
returns table (r_lane uuid, r_endpoint int, r_ord bigint, r_event uuid, r_n smallint,
               r_retry bool)
language plpgsql as $$
declare
    v_now   timestamptz := coalesce(p_now, now());
    v_found record;
begin
    for v_found in
        select due.* from unnest(p_endpoints, p_free) as e (endpoint, free)
        cross join lateral (
            select d.lane, d.endpoint, d.ord from delivery d
            where d.endpoint = e.endpoint and d.owner is null and d.due is not null
              and d.due <= v_now
            order by d.due limit e.free
            for update skip locked) as due
    loop
        return query
        update delivery d set owner = p_worker
        where d.lane = v_found.lane and d.endpoint = v_found.endpoint and d.ord = v_found.ord
        returning d.lane, d.endpoint, d.ord, d.event, d.n, d.retry;
    end loop;
end $$;

-- Show that a worker lives, and what it has counted (null: as before). No row: it was retired and
-- has to register again.
create or replace function heartbeat(p_worker int, p_config_seen bigint, p_numbers bytea)
returns table (r_beat bigint, r_config_version bigint, r_clock timestamptz)
language sql as $$
    update worker w set beat = w.beat + 1, config_seen = p_config_seen,
                        numbers = coalesce(p_numbers, w.numbers)
    from installation i where w.id = p_worker and w.alive
    returning w.beat, i.config_version, clock_timestamp()
$$;

-- Declare a worker dead, if it has shown no beat since `p_beat` was read.
create or replace function retire(p_worker int, p_beat bigint) returns bool language sql as $$
    with gone as (update worker set alive = false, ended = now()
                  where id = p_worker and beat = p_beat and alive returning 1)
    select exists (select from gone)
$$;

-- Give back what no living worker owns, also what a retired one committed late. Returns how many.
create or replace function adopt(p_now timestamptz, p_limit int) returns int
language plpgsql as $$
declare
    v_found record;
    v_count int := 0;
begin
    for v_found in
        select d.lane, d.endpoint, d.ord from delivery d
        where d.owner is not null
          and not exists (select from worker w where w.id = d.owner and w.alive)
        limit p_limit for update skip locked
    loop
        update delivery d set owner = null, due = coalesce(p_now, now())
        where d.lane = v_found.lane and d.endpoint = v_found.endpoint and d.ord = v_found.ord;
        v_count := v_count + 1;
    end loop;
    return v_count;
end $$;

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

-- Give deliveries back without an attempt. Fenced like a completion; sorted by the caller.
create or replace function release(p_worker int, p_lane uuid[], p_endpoint int[], p_ord bigint[])
returns void language plpgsql as $$
begin
    for i in 1 .. coalesce(cardinality(p_lane), 0) loop
        update delivery d set owner = null, due = now()
        where d.lane = p_lane[i] and d.endpoint = p_endpoint[i] and d.ord = p_ord[i]
          and d.owner = p_worker;
    end loop;
end $$;

-- End up to p_limit open deliveries of an endpoint that is gone. Returns how many.
create or replace function cancel_deliveries(p_endpoint int, p_limit int) returns int
language plpgsql as $$
declare
    v_found record;
    v_count int := 0;
begin
    for v_found in
        select d.lane, d.endpoint, d.ord, d.tenant, d.mode, d.event, d.n from delivery d
        where d.endpoint = p_endpoint
        order by d.lane, d.endpoint, d.ord limit p_limit for update
    loop
        delete from delivery d
        where d.lane = v_found.lane and d.endpoint = v_found.endpoint and d.ord = v_found.ord;
        perform log_ending(v_found.tenant, v_found.mode, v_found.event, v_found.endpoint,
                           v_found.ord, v_found.n, 3::smallint, 'cancelled',
                           'Cancelled: the endpoint was deleted.');
        v_count := v_count + 1;
    end loop;
    return v_count;
end $$;
