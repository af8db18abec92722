-- What the database writes by itself: ids, and endings that no request brought about.

-- A UUIDv7 of this moment.
create or replace function uuid7_now() returns uuid language sql volatile as $$
    select encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Log that a delivery ended without a request.
create or replace function log_ending(
    p_tenant int, p_mode smallint, p_event uuid, p_endpoint int, p_ord bigint, p_n smallint,
    p_final smallint, p_error text, p_words text
) returns void language sql as $$
    insert into attempt (id, tenant, mode, event, endpoint, ord, n, worker, status, error, ms,
                         final, detail, response)
    values (uuid7_now(), p_tenant, p_mode, p_event, p_endpoint, p_ord, p_n, 0, null, p_error, 0,
            p_final, convert_to(json_build_object('decision', p_words)::text, 'UTF8'), '')
$$;
