-- Every operation with every role, from the catalog: who may, gets what openapi.json promises; who may not, is told so.
begin;
\ir lib/world.sql
select plan((select (9 * count(*) + count(columns))::int + 1 from api.operation));

select set_eq('select id from pg_temp.sample', 'select id from api.operation', 'there is a sample request for every operation');

select is((pg_temp.attempt('nobody', o.method, s.path, s.query, s.body, s.secret)).status,
          case when o.roles is not null or o.id = 'wallboard_open' then 401 else o.status end, 'nobody: ' || o.id)
from api.operation o join pg_temp.sample s using (id) order by o.id;

select is(a.status, case when o.id = 'wallboard_open' then 401 when o.id = 'events' and r.role = any (o.roles) then 3
                         when o.roles is null or r.role = any (o.roles) then o.status else 403 end, r.role || ': ' || o.id)
from api.operation o join pg_temp.sample s using (id)
cross join unnest(array ['dispatcher', 'planner', 'technician', 'fund', 'auditor', 'admin', 'wallboard']) r (role)
cross join lateral pg_temp.attempt(r.role, o.method, s.path, s.query, s.body, s.secret) a
order by o.id, r.role;

-- What an operation answers is what the catalog says.
select is(case when o.answer is null and o.id <> 'events' then coalesce(a.body, 'none')
               when o.answer is not null and a.status < 300 then api.check(o.answer, a.body::jsonb, '')::text else '[]' end,
          case when o.answer is null and o.id <> 'events' then 'none' else '[]' end, 'as described: ' || o.id)
from api.operation o join pg_temp.sample s using (id)
cross join lateral pg_temp.attempt('admin', o.method, s.path, s.query, s.body, s.secret) a order by o.id;

select is(split_part(trim(leading chr(65279) from a.body), E'\r\n', 1), (select string_agg(c ->> 0, ',') from jsonb_array_elements(o.columns) c),
          'as CSV: ' || o.id)
from api.operation o join pg_temp.sample s using (id)
cross join lateral pg_temp.attempt('admin', o.method, s.path, s.query || '{"format":"csv"}', s.body, s.secret) a
where o.columns is not null order by o.id;

select * from finish();
rollback;
