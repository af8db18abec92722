-- Files that were never tried go before those that were, and no connection's hide another's:
-- both are looked for by connection. `tried` is set when a try has ended without the file; one
-- that was broken off, as by the end of a worker, is none.
alter table media add column tried boolean not null default false;
update media set tried = true where due is not null and error is not null;
drop index media_due;
create index media_due on media (tried, connection, due) where due is not null;
