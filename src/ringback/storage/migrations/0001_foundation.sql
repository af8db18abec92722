-- The tables that everything stands on. Forward only: a migration that has been released is never
-- edited.
--
-- tenant, connection, endpoint and worker have a small number (`no`) beside their id: hot tables
-- carry the number, people see the id. mode: 1 live, 2 test.

create table installation (
    one             bool primary key default true check (one),
    -- Hashes what names a subject. Made once and never rotated: subject_key hangs on it.
    hash_key        bytea not null,
    -- A known text sealed with the installation's secret key: a wrong key is noticed at start.
    key_check       bytea,
    -- Moved by every change of configuration; heartbeats return it.
    config_version  bigint not null default 1,
    -- What workers that are gone had counted: services/numbers.py.
    totals          bytea
);
insert into installation (hash_key)
values (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

create table tenant (
    no         int primary key generated always as identity,
    id         uuid not null unique,
    -- What its operator calls it; free again once it is deleted.
    uid        text,
    name       text not null,
    created    timestamptz not null default now(),
    updated    timestamptz not null default now(),
    suspended  timestamptz,
    deleted    timestamptz,
    -- Requests a second of keys without a rate of their own, and at once; null: the installation's.
    rate       int,
    burst      int
);
create unique index tenant_uid on tenant (uid) where deleted is null;

-- Keys of operators have tenant 0 and mode 0.
create table api_key (
    id         uuid primary key,
    tenant     int not null,
    mode       smallint not null,
    -- SHA-256 of the key; the key itself is shown once and kept nowhere.
    hash       bytea not null unique,
    hint       text not null,
    name       text not null,
    -- Null: all that a key of its kind can have.
    scopes     text[],
    created    timestamptz not null default now(),
    expires    timestamptz,
    revoked    timestamptz,
    -- To the minute: written in batches.
    last_used  timestamptz,
    -- Requests a second, and at once; null: the tenant's, or the installation's.
    rate       int,
    burst      int,
    -- Made by somebody who is shown no numbers and no texts: neither is the key.
    masked     boolean not null default false
);
create index api_key_list on api_key (tenant, mode, id);

-- People who sign in. Every worker holds them all, but for the passwords.
create table person (
    id        uuid primary key,
    -- In lower case; null until somebody who came by a link has said it.
    email     text unique,
    name      text not null,
    -- Argon2id, as a PHC string; null: never chosen.
    password  text,
    -- Of the whole installation: every tenant is theirs.
    owner     bool not null default false,
    created   timestamptz not null default now(),
    updated   timestamptz not null default now()
);

-- A role is the same in both modes.
create table membership (
    person     uuid not null references person on delete cascade,
    in_tenant  int not null,
    role       text not null,
    created    timestamptz not null default now(),
    primary key (person, in_tenant)
);
create index membership_of on membership (in_tenant);

create table session (
    id         uuid primary key,
    person     uuid not null references person on delete cascade,
    -- SHA-256 of what is in the cookie.
    hash       bytea not null unique,
    created    timestamptz not null default now(),
    -- To the minute: written in batches.
    last_used  timestamptz not null default now(),
    expires    timestamptz not null,
    address    text not null,
    agent      text not null
);
create index session_of on session (person);

-- Links to sign in with, each of them once.
create table sign_in_link (
    -- SHA-256 of what is in the link.
    hash       bytea primary key,
    purpose    text not null,
    -- Null: whoever comes first with it becomes the installation's owner.
    person     uuid references person on delete cascade,
    -- Of an offer, which somebody known accepts: this role in this tenant.
    in_tenant  int,
    role       text,
    created    timestamptz not null default now(),
    expires    timestamptz not null
);
create index sign_in_link_of on sign_in_link (person);

-- Attempts to sign in that did not succeed, by a hash of the e-mail address, or of where from.
create table sign_in_trial (
    what      bytea primary key,
    failures  int not null,
    last      timestamptz not null
);
create index sign_in_trial_last on sign_in_trial (last);

create table connection (
    no          int primary key generated always as identity,
    id          uuid not null unique,
    tenant      int not null,
    mode        smallint not null,
    provider    text not null,
    name        text not null,
    -- SHA-256 of the token in the callback URL.
    token_hash  bytea not null unique,
    -- AES-256-GCM of {token, config}: provider credentials never lie here in plain text.
    sealed      bytea not null,
    created     timestamptz not null default now(),
    updated     timestamptz not null default now(),
    deleted     timestamptz
);
create index connection_list on connection (tenant, mode, id) where deleted is null;

create table endpoint (
    no           int primary key generated always as identity,
    id           uuid not null unique,
    tenant       int not null,
    mode         smallint not null,
    url          text not null,
    description  text not null default '',
    event_types  text[] not null,
    -- What its owner calls it, and pairs that its owner keeps with it, as JSON.
    uid          text,
    metadata     bytea not null,
    -- AES-256-GCM of the signing secrets and the owner's headers.
    sealed       bytea not null,
    -- How it wants to be delivered to: domain/endpoints.py, DeliveryPolicy.
    policy       bytea not null,
    disabled     timestamptz,
    disabled_for text,
    created      timestamptz not null default now(),
    updated      timestamptz not null default now(),
    expires      timestamptz,
    deleted      timestamptz
);
create index endpoint_list on endpoint (tenant, mode, id) where deleted is null;
create unique index endpoint_uid on endpoint (tenant, mode, uid) where deleted is null;

-- Types of events that tenants describe themselves; what is not here may be published all the same.
create table event_type (
    tenant       int not null,
    mode         smallint not null,
    name         text not null,
    description  text not null,
    -- The version of the newest schema, 0: there never was one. Schema and example are JSON.
    version      int not null,
    schema       bytea,
    example      bytea,
    deprecated   timestamptz,
    note         text,
    archived     timestamptz,
    created      timestamptz not null default now(),
    updated      timestamptz not null default now(),
    primary key (tenant, mode, name)
);

-- Every version that a schema has had.
create table event_type_schema (
    tenant   int not null,
    mode     smallint not null,
    name     text not null,
    version  int not null,
    body     bytea not null,
    created  timestamptz not null default now(),
    primary key (tenant, mode, name, version),
    foreign key (tenant, mode, name) references event_type on delete cascade
);

-- One row per server process that ever served. A worker that shows no new beat is retired.
create table worker (
    id           int primary key generated always as identity,
    beat         bigint not null default 0,
    alive        bool not null default true,
    config_seen  bigint not null default 0,
    boot_id      text not null,
    pid          int not null,
    pid_start    double precision not null,
    started      timestamptz not null default now(),
    ended        timestamptz,
    -- What it counts, told with each beat. Once it is gone and folded, installation.totals has it
    -- too.
    numbers      bytea,
    folded       bool not null default false
);
create index worker_alive on worker (id) where alive;
create index worker_counted on worker (id) where not folded;

-- What names a subject: a hash of (connection, kind, provider's id, recipient). Never updated.
create table subject_key (
    key      uuid primary key,
    tenant   int not null,
    mode     smallint not null,
    subject  uuid not null,
    part     smallint not null
);

-- A message, call or order: the state of its merge in `data`, the hashes of its facts in `seen`.
-- Nothing that a status update changes is indexed, so that updates stay heap-only.
create table subject (
    id        uuid primary key,
    tenant    int not null,
    mode      smallint not null,
    kind      smallint not null,
    version   int not null,
    sequence  int not null,
    status    smallint not null,
    seen      bigint[] not null,
    data      bytea not null,
    -- The subject that this one turned out to be: later reports go there.
    merged    uuid
) with (fillfactor = 80);
create index subject_list on subject (tenant, mode, id);
create index subject_of_key on subject_key (subject);

-- Sends on their way to a provider (kind 1), and reports that may belong to one (kind 2): they
-- came before the provider's answer, so nobody knows yet whose they are.
create table pending (
    subject     uuid primary key,
    tenant      int not null,
    mode        smallint not null,
    kind        smallint not null,
    connection  int not null,
    -- Null for a report without an address: it may belong to any send of its connection.
    address     text,
    until       timestamptz not null
);
create index pending_connection on pending (connection, kind, address);

-- Facts beyond the 64 that a subject carries with it; probed only for such subjects.
create table fact (
    subject  uuid not null,
    hash     bigint not null,
    tenant   int not null,
    mode     smallint not null,
    primary key (subject, hash)
);

-- What people search subjects by: to and from (reversed, so that last digits are a prefix),
-- reference, the provider's id. Insert only; kinds: domain/search.py.
create table search_key (
    tenant   int not null,
    mode     smallint not null,
    kind     smallint not null,
    value    text collate "C" not null,
    subject  uuid not null,
    primary key (tenant, mode, kind, value, subject)
);

-- Dedupe of what has no subject, by generations of 36 days: the current and the previous count.
create table once_generation (
    one    bool primary key default true check (one),
    gen    int not null,
    since  timestamptz not null
);
insert into once_generation (gen, since) values (1, now());
create table once_key (
    gen     int not null,
    key     uuid not null,
    tenant  int not null,
    mode    smallint not null,
    primary key (gen, key)
) partition by list (gen);
create table once_key_1 partition of once_key for values in (1);

-- What was answered under an Idempotency-Key, for a day; `key` is a hash of (tenant, mode, route,
-- key). Of a publication the ids of its events, written with them; of anything else the sealed
-- answer: it may hold a secret. Without a status the first request is under way.
create table idempotency_key (
    key          uuid primary key,
    tenant       int not null,
    mode         smallint not null,
    created      timestamptz not null default now(),
    fingerprint  bytea not null,
    status       smallint,
    answer       bytea
);
create index idempotency_key_age on idempotency_key (created);

-- Raw callbacks, whole, whatever became of them. `subject` when all items are about one.
create table callback (
    id          uuid not null,
    tenant      int not null,
    mode        smallint not null,
    connection  int not null,
    received    timestamptz not null,
    method      text not null,
    url         text not null,
    peer        text not null,
    headers     bytea not null,
    body        bytea not null,
    outcome     smallint not null,
    reason      text not null,
    items       int not null,
    subject     uuid,
    primary key (id)
) partition by range (id);
alter table callback alter column body set storage external;
create index callback_list on callback (tenant, mode, id);
create index callback_connection on callback (connection, outcome, id);
create index callback_subject on callback (subject) where subject is not null;

-- Moved only under the feed lock, so that positions follow the order of commits.
create sequence feed_position;

create table event (
    id        uuid not null,
    tenant    int not null,
    mode      smallint not null,
    pos       bigint not null,
    type      text not null,
    subject   uuid,
    sequence  int not null,
    occurred  timestamptz not null,
    callback  uuid,
    body      bytea not null,
    primary key (id)
) partition by range (id);
alter table event alter column body set storage external;
create index event_feed on event (tenant, mode, pos);
create index event_list on event (tenant, mode, id);
create index event_subject on event (subject) where subject is not null;

-- Open work only: a row goes when its delivery is over; its history is its attempts.
--   owner set              in that worker's memory
--   owner null, due set    claimable from then on
--   both null              waits behind an earlier row of its lane
create table delivery (
    lane      uuid not null,
    endpoint  int not null,
    ord       bigint not null,
    tenant    int not null,
    mode      smallint not null,
    event     uuid not null,
    owner     int,
    due       timestamptz,
    n         smallint not null,
    -- False: one attempt and no more, as its publisher wished.
    retry     bool not null,
    primary key (lane, endpoint, ord)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
create index delivery_due on delivery (endpoint, due) where owner is null and due is not null;
create index delivery_owner on delivery (owner) where owner is not null;
create index delivery_event on delivery (event);
-- Listing and cancelling what an endpoint is owed.
create index delivery_list on delivery (endpoint, ord);

-- One HTTP request made for a delivery. `final` when it was the last: 1 delivered, 2 exhausted,
-- 3 cancelled.
create table attempt (
    id        uuid not null,
    tenant    int not null,
    mode      smallint not null,
    event     uuid not null,
    endpoint  int not null,
    ord       bigint not null,
    n         smallint not null,
    worker    int not null,
    status    smallint,
    error     text,
    ms        real not null,
    final     smallint,
    detail    bytea not null,
    response  bytea not null,
    primary key (id)
) partition by range (id);
alter table attempt alter column response set storage external;
create index attempt_event on attempt (event);
create index attempt_delivery on attempt (endpoint, ord);
create index attempt_final on attempt (endpoint, id) where final is not null;
create index attempt_list on attempt (tenant, mode, id);

-- What is counted and not listed, per connection and day: handshakes, challenges, and what came
-- beyond the first hundred duplicates or rejections of an hour.
create table callback_count (
    connection  int not null,
    day         date not null,
    what        text not null,
    tenant      int not null,
    mode        smallint not null,
    n           bigint not null,
    primary key (connection, day, what)
);

-- What the panel's figures are read from: how often something was so, by a stretch of time. Written
-- by the sweep alone, never on a hot path; ADR 40 has how each thing is counted exactly once.
--   kind   1 messages by status, at when they were accepted   2 how long first reports took
--          3 attempts                                         4 callbacks
--   width  of the stretch in minutes: 1, 15 or 60; since: its start, in minutes since 1970
--   about  the number of the endpoint or connection; 0: all of the tenant and mode together
-- Slots say what was counted (domain/figures.py), ns how often.
create table rollup (
    tenant  int not null,
    mode    smallint not null,
    kind    smallint not null,
    width   smallint not null,
    about   int not null,
    since   int not null,
    slots   smallint[] not null,
    ns      bigint[] not null,
    primary key (tenant, mode, kind, width, about, since)
) with (fillfactor = 70);
create index rollup_age on rollup (width, since);

-- How far each has been counted, written with the counts: messages by the position in the feed of
-- their tenant and mode, attempts and callbacks (tenant and mode 0) by id.
create table rollup_place (
    kind    smallint not null,
    tenant  int not null,
    mode    smallint not null,
    pos     bigint not null,
    last    uuid not null,
    folded  timestamptz not null,
    primary key (kind, tenant, mode)
);

-- How many attempts and callbacks of each minute have been counted: whoever committed late is found
-- by it.
create table rollup_minute (
    kind    smallint not null,
    minute  int not null,
    n       bigint not null,
    checks  smallint not null,
    primary key (kind, minute)
);

-- Who changed what people configure, and what was done by hand; written in the transaction of the
-- change itself. Its id carries its time, for pages and for retention.
create table audit_entry (
    id      uuid primary key,
    tenant  int not null,
    mode    smallint not null,
    at      timestamptz not null default now(),
    -- The API key that asked, or the person; null when the installation did it by itself.
    actor   uuid,
    person  bool not null default false,
    action  text not null,
    -- What it was done to: its id as people see it.
    object  text not null,
    -- JSON without secrets: services/audit.py.
    detail  bytea not null
);
create index audit_entry_list on audit_entry (tenant, mode, id);

-- The inspector's last requests: a tool for people, so a crash of the server may empty it.
create unlogged table inspected_request (
    id        bigint primary key generated always as identity,
    tenant    int not null,
    mode      smallint not null,
    name      text not null,
    received  timestamptz not null default now(),
    method    text not null,
    url       text not null,
    headers   bytea not null,
    body      bytea not null,
    answered  smallint not null
);
create index inspected_request_list on inspected_request (name, id);
