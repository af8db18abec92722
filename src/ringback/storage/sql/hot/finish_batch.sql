-- Record attempts and end or postpone their deliveries, in one transaction.
--
-- Fenced: a row that is no longer owned by p_worker is left alone. Running it twice changes nothing
-- and returns the same rows. Rows are sorted by (lane, endpoint, ord).
-- a_final: 1 delivered, 2 exhausted, 3 cancelled, 0 retry after a_wait seconds.
-- Returns the next row of every lane whose front row ended, already owned by p_worker.
create or replace function finish_batch(
    p_worker int, p_now timestamptz,
    a_lane uuid[], a_endpoint int[], a_ord bigint[], a_id uuid[], a_status smallint[],
    a_error text[], a_ms real[], a_final smallint[], a_wait double precision[],
    a_detail bytea[], a_response bytea[],
    out r_lane uuid, out r_endpoint int, out r_ord bigint, out r_event uuid, out r_n smallint
) returns setof record language plpgsql as $$
declare
    v_now timestamptz := coalesce(p_now, now());
begin
    with result as materialized (
        select * from unnest(a_lane, a_endpoint, a_ord, a_id, a_status, a_error, a_ms, a_final,
                             a_wait, a_detail, a_response)
            as r (lane, endpoint, ord, id, status, error, ms, final, wait, detail, response)),
    mine as materialized (
        select result.*, row.event, row.n, row.tenant, row.mode
        from result cross join lateral (
            select d.event, d.n, d.tenant, d.mode from delivery d
            where d.lane = result.lane and d.endpoint = result.endpoint and d.ord = result.ord
              and d.owner = p_worker
            for update) as row),
    logged as (
        insert into attempt (id, tenant, mode, event, endpoint, ord, n, worker, status, error, ms,
                             final, detail, response)
        select id, tenant, mode, event, endpoint, ord, n + 1, p_worker, status, error, ms,
               nullif(final, 0), detail, response
        from mine),
    ended as (
        delete from delivery d using mine
        where mine.final > 0
          and d.lane = mine.lane and d.endpoint = mine.endpoint and d.ord = mine.ord)
    update delivery d
    set owner = null, due = v_now + mine.wait * interval '1 second', n = d.n + 1
    from mine
    where mine.final = 0
      and d.lane = mine.lane and d.endpoint = mine.endpoint and d.ord = mine.ord;

    -- A new snapshot: whoever queued up behind a row that was just deleted has committed, because
    -- it held that row until then.
    return query
    update delivery d set owner = p_worker, due = v_now
    from (select next.* from unnest(a_lane, a_endpoint, a_final) as l (lane, endpoint, final)
          cross join lateral (
              select q.lane, q.endpoint, q.ord from delivery q
              where q.lane = l.lane and q.endpoint = l.endpoint
              order by q.ord limit 1) as next
          where l.final > 0) as front
    where d.lane = front.lane and d.endpoint = front.endpoint and d.ord = front.ord
      and (d.owner = p_worker or (d.owner is null and d.due is null))
    returning d.lane, d.endpoint, d.ord, d.event, d.n;
end $$;
