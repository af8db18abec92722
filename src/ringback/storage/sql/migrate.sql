-- name: create_log
create table if not exists migration (
    name      text primary key,
    checksum  text not null,
    applied   timestamptz not null default now()
)

-- name: has_log
select to_regclass('migration') is not null as found

-- name: read_log
select name, checksum, applied from migration order by name

-- name: write_log
insert into migration (name, checksum) values ($1, $2)
on conflict (name) do update set checksum = excluded.checksum, applied = now()

-- name: in_the_way
select relname as name from pg_class
where relname = any ($1::text[]) and relnamespace = current_schema()::regnamespace
order by 1
