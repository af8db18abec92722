-- A try to fetch a file is counted before it begins: one that ends its worker can note nothing.
-- `unended` are those in a row that have not ended, the one under way included; `failures` those
-- that ended without the file, from which its waits follow. What was broken off by a worker that
-- stops is neither.
alter table media add column failures int not null default 0,
                  add column unended int not null default 0;
update media set failures = tries where tried;
-- See media.sql: from so many on, a file is fetched while nothing else is.
create index media_alone on media (due) where due is not null and unended >= 3;
