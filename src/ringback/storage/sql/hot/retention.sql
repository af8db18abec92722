-- What has to happen before a day of events goes.

-- End the open deliveries of events below p_before as exhausted, and let what waited behind them
-- go. Returns how many ended.
create or replace function expire_deliveries(p_before uuid) returns int language plpgsql as $$
declare
    v_ended int;
begin
    with old as materialized (
        select d.lane, d.endpoint, d.ord from delivery d where d.event < p_before
        order by d.lane, d.endpoint, d.ord for update),
    ended as (
        delete from delivery d using old
        where d.lane = old.lane and d.endpoint = old.endpoint and d.ord = old.ord
        returning d.endpoint, d.ord, d.tenant, d.mode, d.event, d.n),
    logged as (
        insert into attempt (id, tenant, mode, event, endpoint, ord, n, worker, status, error, ms,
                             final, detail, response)
        select uuid7_now(), tenant, mode, event, endpoint, ord, n, 0, null, 'retention', 0, 2,
               convert_to('{"decision":"Exhausted: retention removed the event."}', 'UTF8'), ''
        from ended)
    select count(*)::int into v_ended from ended;
    if v_ended > 0 then
        perform unblock(null);
    end if;
    return v_ended;
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
    perform pg_advisory_xact_lock(8420, 2);
    update once_generation set gen = gen + 1, since = now()
    where since <= now() - p_days * interval '1 day' returning gen into v_gen;
    if v_gen is null then
        return 0;
    end if;
    execute format('create table if not exists once_key_%s partition of once_key for values in (%s)',
                   v_gen, v_gen);
    execute format('drop table if exists once_key_%s', v_gen - 2);
    return v_gen;
end $$;
