-- Who wants no messages, by a hash of (tenant, mode, kind, address, channel, sender, purpose): what
-- is in force. `id` is that of the entry that brought it about. word: 1 opted_in, 2 opted_out,
-- 3 removed by hand. The newest `since` wins, so that no order of arrival matters.
create table suppression (
    key        uuid primary key,
    id         uuid not null,
    tenant     int not null,
    mode       smallint not null,
    kind       text not null,
    address    text collate "C" not null,
    channel    text,
    sender     text,
    purpose    text,
    connection int not null,
    word       smallint not null,
    since      timestamptz not null
);
create index suppression_list on suppression (tenant, mode, id) where word = 2;
create index suppression_id on suppression (id);
create index suppression_address on suppression (tenant, mode, reverse(address));

-- Every word that was said of an address, with what it rests on. Insert only.
create table suppression_entry (
    id         uuid primary key,
    tenant     int not null,
    mode       smallint not null,
    key        uuid not null,
    kind       text not null,
    address    text collate "C" not null,
    channel    text,
    sender     text,
    purpose    text,
    connection int not null,
    word       smallint not null,
    since      timestamptz not null,
    source     text not null,
    event      uuid,
    callback   uuid,
    message    uuid,
    evidence   bytea not null,
    actor      uuid,
    person     bool not null default false
);
create index suppression_entry_address on suppression_entry (tenant, mode, address, id);
