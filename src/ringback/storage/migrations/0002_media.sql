-- Files that people sent, which are fetched from the provider and kept. `place` is which of its
-- message's; `entry` what the provider said of it. `due`: when to fetch it, or until when somebody
-- is at it; null once it is settled. state: 1 to be fetched, 2 kept, 3 given up.
create table media (
    id            uuid primary key,
    tenant        int not null,
    mode          smallint not null,
    connection    int not null,
    subject       uuid not null,
    place         smallint not null,
    entry         bytea not null,
    created       timestamptz not null default now(),
    state         smallint not null default 1,
    tries         int not null default 0,
    due           timestamptz,
    content_type  text,
    size          int,
    sha256        bytea,
    error         text
);
create index media_due on media (due) where due is not null;
create index media_of_subject on media (tenant, mode, subject);
