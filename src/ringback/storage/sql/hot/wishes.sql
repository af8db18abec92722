-- Write wishes of people into the ledger, and what is in force from then on.
--
-- Part of commit_batch. Of one key the newest `since` wins, and of the same moment the higher word,
-- so that no order of arrival matters. A resumption lifts narrower opt-outs that are known by then:
-- one that was said before it and arrives after it stays in force, because none must be missed.
-- Of a move (word 4) the key is who moved, and the address where to: the next one changes that.
create or replace function take_wishes(p_entries jsonb[]) returns void language plpgsql as $$
begin
    -- A wish changes rows that are there, rows that come now, and rows that it lifts: no order of
    -- keys covers all three. So whoever writes of a person waits for whoever already does. People
    -- share 64 locks, or thousands of wishes at once would fill the server's table of locks.
    perform pg_advisory_xact_lock(8421, shared.lock)
    from (select distinct hashtext(e.entry->>'address') & 63 as lock
          from unnest(p_entries) as e (entry) order by 1) as shared;

    insert into suppression_entry
        (id, tenant, mode, key, kind, address, channel, sender, purpose, connection, word, since,
         source, event, callback, message, evidence)
    select t.id, t.tenant, t.mode, t.key, t.kind, t.address, t.channel, t.sender, t.purpose,
           t.connection, t.word, to_timestamp(t.since / 1000.0), t.source, t.event, t.callback,
           t.message, convert_to(t.evidence::text, 'UTF8')
    from unnest(p_entries) as e (entry)
    cross join jsonb_to_record(e.entry)
         as t (id uuid, tenant int, mode smallint, key uuid, kind text, address text, channel text,
               sender text, purpose text, connection int, word smallint, since bigint, source text,
               event uuid, callback uuid, message uuid, evidence jsonb);

    insert into suppression as stored
        (key, id, tenant, mode, kind, address, channel, sender, purpose, connection, word, since)
    select distinct on (t.key) t.key, t.id, t.tenant, t.mode, t.kind, t.address, t.channel,
           t.sender, t.purpose, t.connection, t.word, t.since
    from unnest(p_entries) as e (entry)
    cross join lateral (select * from suppression_entry
                        where id = (e.entry->>'id')::uuid limit 1) as t
    order by t.key, t.since desc, t.word desc, t.id desc
    on conflict (key) do update
        set id = excluded.id, word = excluded.word, since = excluded.since,
            connection = excluded.connection, address = excluded.address
        where (excluded.since, excluded.word) > (stored.since, stored.word);

    -- Who wants messages again wants all that the wish reaches, also what was refused narrowly.
    update suppression
    set id = lifted.id, word = lifted.word, since = lifted.since
    from (select distinct on (s.key) s.key, wide.id, wide.word, wide.since
          from unnest(p_entries) as e (entry)
          cross join lateral (select * from suppression_entry
                              where id = (e.entry->>'id')::uuid limit 1) as wide
          join suppression s
            on s.tenant = wide.tenant and s.mode = wide.mode
           and reverse(s.address) = reverse(wide.address) and s.kind = wide.kind
          where wide.word = 1 and s.word = 2 and s.since < wide.since and s.key <> wide.key
            and (wide.channel is null or s.channel = wide.channel)
            and (wide.purpose is null or s.purpose = wide.purpose)
            and case when wide.sender is null then s.connection = wide.connection
                     else s.sender = wide.sender end
          order by s.key, wide.since desc, wide.id desc) as lifted
    where suppression.key = lifted.key;
end $$;
