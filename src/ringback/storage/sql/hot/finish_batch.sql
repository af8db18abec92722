-- Record attempts and end or postpone their deliveries, in one transaction.
--
-- Fenced: a row that is no longer owned by p_worker is left alone. Running it twice changes nothing
-- and returns the same rows. Rows are sorted by (lane, endpoint, ord): that is the order of locks.
-- a_final: 1 delivered, 2 exhausted, 3 cancelled, 0 retry after a_wait seconds.
-- Returns the next row of every lane whose front row ended, already owned by p_worker.
--
-- Rows of `delivery` are changed one by one, each by its primary key. As one statement that joins
-- the arrays with the table, the planner may walk the table for every array element: it does so
-- once a vacuum has seen the queue empty, and a completion then takes minutes.
create or replace function finish_batch(
    p_worker int, p_now timestamptz,
    a_lane uuid[], a_endpoint int[], a_ord bigint[], a_id uuid[], a_status smallint[],
    a_error text[], a_ms real[], a_final smallint[], a_wait double precision[],
    a_detail bytea[], a_response bytea[],
    out r_lane uuid, out r_endpoint int, out r_ord bigint, out r_event uuid, out r_n smallint,
    out r_retry bool
) returns setof record language plpgsql as $$
declare
    v_now    timestamptz := coalesce(p_now, now());
    v_tenant int[] := '{}';
    v_mode   smallint[] := '{}';
    v_event  uuid[] := '{}';
    v_n      smallint[] := '{}';
    v_done   int[] := '{}';
    r_tenant int;
    r_mode   smallint;
    v_next   record;
begin
    for i in 1 .. coalesce(cardinality(a_lane), 0) loop
        if a_final[i] > 0 then
            delete from delivery d
            where d.lane = a_lane[i] and d.endpoint = a_endpoint[i] and d.ord = a_ord[i]
              and d.owner = p_worker
            returning d.tenant, d.mode, d.event, d.n into r_tenant, r_mode, r_event, r_n;
        else
            update delivery d
            set owner = null, due = v_now + a_wait[i] * interval '1 second', n = d.n + 1
            where d.lane = a_lane[i] and d.endpoint = a_endpoint[i] and d.ord = a_ord[i]
              and d.owner = p_worker
            returning d.tenant, d.mode, d.event, d.n - 1 into r_tenant, r_mode, r_event, r_n;
        end if;
        if found then
            v_done := v_done || i;
            v_tenant := v_tenant || r_tenant;
            v_mode := v_mode || r_mode;
            v_event := v_event || r_event;
            v_n := v_n || r_n;
        end if;
    end loop;

    insert into attempt (id, tenant, mode, event, endpoint, ord, n, worker, status, error, ms,
                         final, detail, response)
    select a_id[d.i], d.tenant, d.mode, d.event, a_endpoint[d.i], a_ord[d.i], d.n + 1, p_worker,
           a_status[d.i], a_error[d.i], a_ms[d.i], nullif(a_final[d.i], 0), a_detail[d.i],
           a_response[d.i]
    from unnest(v_done, v_tenant, v_mode, v_event, v_n) as d (i, tenant, mode, event, n);

    -- New statements, so new snapshots: whoever queued up behind a row that was just deleted has
    -- committed, because it held that row until then.
    for v_next in
        select front.lane, front.endpoint, front.ord
        from unnest(a_lane, a_endpoint, a_final) as l (lane, endpoint, final)
        cross join lateral (
            select q.lane, q.endpoint, q.ord, q.owner, q.due from delivery q
            where q.lane = l.lane and q.endpoint = l.endpoint
            order by q.ord limit 1) as front
        where l.final > 0
          and (front.owner = p_worker or (front.owner is null and front.due is null))
    loop
        return query
        update delivery d set owner = p_worker, due = v_now
        where d.lane = v_next.lane and d.endpoint = v_next.endpoint and d.ord = v_next.ord
          and (d.owner = p_worker or (d.owner is null and d.due is null))
        returning d.lane, d.endpoint, d.ord, d.event, d.n, d.retry;
    end loop;
end $$;
