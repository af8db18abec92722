-- What becomes of deliveries when their events go.

-- End up to p_limit open deliveries of events below p_before as exhausted, in the order of locks;
-- with the last of them, let what waited behind them go. Returns how many ended.
create or replace function expire_deliveries(p_before uuid, p_limit int) returns int
language plpgsql as $$
declare
    v_found record;
    v_count int := 0;
begin
    for v_found in
        with old as materialized (
            select o.lane, o.endpoint, o.ord from (
                select d.lane, d.endpoint, d.ord from delivery d
                where d.event < p_before order by d.event limit p_limit) as o
            order by o.lane, o.endpoint, o.ord)
        select found.* from old cross join lateral (
            select d.lane, d.endpoint, d.ord, d.tenant, d.mode, d.event, d.n from delivery d
            where d.lane = old.lane and d.endpoint = old.endpoint and d.ord = old.ord
            for update) as found
    loop
        delete from delivery d
        where d.lane = v_found.lane and d.endpoint = v_found.endpoint and d.ord = v_found.ord;
        perform log_ending(v_found.tenant, v_found.mode, v_found.event, v_found.endpoint,
                           v_found.ord, v_found.n, 2::smallint, 'retention',
                           'Exhausted: retention removed the event.');
        v_count := v_count + 1;
    end loop;
    if v_count < p_limit then
        perform unblock(null);
    end if;
    return v_count;
end $$;

-- End deliveries of p_worker's whose events are gone already, whatever removed them, and let what
-- waits behind them go. Fenced like a completion; sorted by the caller. Returns how many ended.
create or replace function end_gone(
    p_worker int, p_lane uuid[], p_endpoint int[], p_ord bigint[]
) returns int language plpgsql as $$
declare
    v_ended record;
    v_done  int[] := '{}';
begin
    for i in 1 .. coalesce(cardinality(p_lane), 0) loop
        delete from delivery d
        where d.lane = p_lane[i] and d.endpoint = p_endpoint[i] and d.ord = p_ord[i]
          and d.owner = p_worker
          and (select e.id from event e where e.id = d.event offset 0) is null
        returning d.tenant, d.mode, d.event, d.n into v_ended;
        if found then
            v_done := v_done || i;
            perform log_ending(v_ended.tenant, v_ended.mode, v_ended.event, p_endpoint[i],
                               p_ord[i], v_ended.n, 2::smallint, 'retention',
                               'Exhausted: the event was removed before its turn came.');
        end if;
    end loop;
    -- New statements, so new snapshots, as in finish_batch.
    for i in 1 .. cardinality(v_done) loop
        update delivery d set due = now()
        where d.lane = p_lane[v_done[i]] and d.endpoint = p_endpoint[v_done[i]]
          and d.owner is null and d.due is null
          and d.ord = (select f.ord from delivery f
                       where f.lane = p_lane[v_done[i]] and f.endpoint = p_endpoint[v_done[i]]
                       order by f.ord limit 1);
    end loop;
    return cardinality(v_done);
end $$;

-- Start a new generation of once keys when the current one is older than p_days, and drop the one
-- before the previous. The exclusive lock waits for every commit that writes the old generation.
create or replace function advance_once_generation(p_days int) returns int language plpgsql as $$
declare
    v_gen int;
begin
    if (select since from once_generation) > now() - p_days * interval '1 day' then
        return 0;
    end if;
    -- Whoever commits meanwhile waits for us: a second for each lock, then another hour has to do.
    perform set_config('lock_timeout', '1s', true);
    perform pg_advisory_xact_lock(8420, 2);
    update once_generation set gen = gen + 1, since = now()
    where since <= now() - p_days * interval '1 day' returning gen into v_gen;
    if v_gen is null then
        return 0;
    end if;
    execute format(
        'create table if not exists once_key_%s partition of once_key for values in (%s)',
        v_gen, v_gen);
    execute format('drop table if exists once_key_%s', v_gen - 2);
    return v_gen;
end $$;
