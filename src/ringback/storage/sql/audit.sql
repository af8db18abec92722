-- Lists compare whole rows: see callbacks.sql.

-- name: add
insert into audit_entry (id, tenant, mode, actor, person, action, object, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: page
select id, at, actor, person, action, object, detail
from ((select * from audit_entry
       where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
       order by tenant desc, mode desc, id desc limit $6)
      union all
      (select * from audit_entry
       where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
       order by tenant, mode, id limit $6)) as near
where ($7::text is null or action = $7) and ($8::text is null or object = $8)
  and ($9::uuid is null or actor = $9) and ($10::bool is null or (actor is null) = $10)
order by case when $4::uuid is not null then id end, id desc
limit $5

-- name: edge
select * from (
    (select id from audit_entry
     where (tenant, mode, id) < ($1, $2, $3) and (tenant, mode) >= ($1, $2)
     order by tenant desc, mode desc, id desc offset $5 limit 1)
    union all
    (select id from audit_entry
     where (tenant, mode, id) > ($1, $2, $4) and (tenant, mode) <= ($1, $2)
     order by tenant, mode, id offset $5 limit 1)) as found

-- name: remove
delete from audit_entry where id in (
    select id from audit_entry where id < $1 order by id limit $2)
returning id
