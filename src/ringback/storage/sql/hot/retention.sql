-- What has to happen before a day of events goes.

-- A UUIDv7 of this moment.
create or replace function uuid7_now() returns uuid language sql volatile as $$
    select encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

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
