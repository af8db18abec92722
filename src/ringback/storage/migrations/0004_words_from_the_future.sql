-- A word is never of later than when it came. Earlier versions stored whatever a provider's clock
-- said: such words kept every later one from counting. Their ids tell when they came; what is in
-- force is found anew among all that was said. The rules are those of hot/wishes.sql.
lock table suppression, suppression_entry in share row exclusive mode;

create function pg_temp.came(id uuid) returns timestamptz language sql immutable as $$
    -- Only ids of version 7 hold a time: milliseconds since 1970 in their first 48 bits.
    select case when substr(id::text, 15, 1) = '7' then
        to_timestamp((('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint) / 1000.0)
    else 'infinity' end
$$;

update suppression
set id = newest.id, word = newest.word, since = newest.said,
    connection = case when newest.own then newest.connection else suppression.connection end
from (select s.key, won.*
      from suppression s
      cross join lateral (
          select e.id, e.word, e.connection, e.key = s.key as own,
                 least(e.since, pg_temp.came(e.id)) as said
          from suppression_entry e
          where e.tenant = s.tenant and e.mode = s.mode and e.address = s.address
            and e.kind = s.kind
            and (e.key = s.key
                 or e.word = 1
                    and (e.channel is null or s.channel = e.channel)
                    and (e.purpose is null or s.purpose = e.purpose)
                    and case when e.sender is null then s.connection = e.connection
                             else s.sender = e.sender end)
          order by 5 desc, e.word desc, e.id desc limit 1) as won
      where exists (select from suppression_entry e
                    where e.tenant = s.tenant and e.mode = s.mode and e.address = s.address
                      and e.since > pg_temp.came(e.id))) as newest
where suppression.key = newest.key;

update suppression_entry set since = pg_temp.came(id) where since > pg_temp.came(id);

drop function pg_temp.came(uuid);
