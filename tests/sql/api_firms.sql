-- Two firms, and accounts limited to areas: nothing of another's lifts shows through any operation or any table.
begin;
\ir lib/world.sql

-- Firm B with every role a firm's account could ever hold, and firm A likewise: only scope is left to protect.
select pg_temp.account(v.name, 'planner', null, v.firm) from (values ('all-b', 'fb')) v (name, firm) \gset ignored_
update auth.user_account set roles = '{dispatcher,planner,technician,fund,auditor}' where name = 'all-b';
insert into auth.session (token_hash, user_id, kind, expires_at)
select sha256('token of all-b'), id, 'person', now() + interval '1 hour' from auth.user_account where name = 'all-b';

select no_plan();

select is(pg_temp.codes(pg_temp.call('planner', 'GET', '/lifts')), 'L1', 'firm A sees the lift it answers for today');
select is(pg_temp.codes(pg_temp.call('planner-b', 'GET', '/lifts')), 'L2 L3', 'firm B sees what it took over today, and its own');
select is(pg_temp.codes(pg_temp.call('dispatcher-g1', 'GET', '/lifts')), 'L1 L2 L5', 'an area counts with what lies below it');
select is(pg_temp.codes(pg_temp.call('planner-a-g2', 'GET', '/lifts')), '', 'firm and area both narrow');
select is(pg_temp.codes(pg_temp.call('dispatcher', 'GET', '/lifts')), 'L1 L2 L3 L4 L5', 'a dispatcher without a scope sees all');
select is(pg_temp.codes(pg_temp.call('all-b', 'GET', '/lifts')), 'L2 L3', 'more roles don''t widen a scope');

-- Firm A's L1 by its number, through every operation that takes one.
select is((pg_temp.attempt('all-b', o.method, s.path, s.query, s.body, s.secret)).status,
          case when 'dispatcher' = any (o.roles) and o.id = 'lift_terminal' then 403 else 404 end, 'not found for firm B: ' || o.id)
from api.operation o join pg_temp.sample s using (id) where o.template like '%{%' and o.id <> 'user_change' order by o.id;
select is((pg_temp.attempt('all-b', 'POST', '/devices', '{}', '{"device":"d-L1","area":"g1"}')).status, 403,
          'who is limited registers no device');

-- Whatever is read, nothing in it is of lifts, devices or buildings of others. (A firm is known by name to who took a lift
-- over from it, and compound c1 holds a lift of each firm.)
select ok(a.body !~ 'L1|L4|L5|d-new|b1|b4|b5|小区c3', 'nothing of others for firm B: ' || o.id || coalesce(': ' || substring(a.body from '.{80}(?:L1|L4|L5|d-new|b1|b4|b5|小区c3).{20}'), ''))
from api.operation o join pg_temp.sample s using (id)
cross join lateral pg_temp.attempt('all-b', o.method, s.path, s.query, s.body, s.secret) a
where o.method = 'GET' and o.id not in ('lift', 'readings', 'openapi', 'me', 'events')
union all
select ok(a.body !~ 'L3|L4|d-L3|b3|b4|小区c2', 'nothing of others for area g1: ' || o.id || coalesce(': ' || substring(a.body from '.{80}(?:L3|L4|b3|b4|小区c2).{20}'), ''))
from api.operation o join pg_temp.sample s using (id)
cross join lateral pg_temp.attempt('dispatcher-g1', o.method, s.path, s.query, s.body, s.secret) a
where o.method = 'GET' and o.id not in ('openapi', 'me', 'events');

-- Asked for by name rather than by number.
select is((pg_temp.call('all-b', 'GET', v.path, v.query::jsonb)).body::jsonb -> 'items', '[]', 'empty for firm B: ' || v.path || v.query)
from (values ('/lifts', '{"area":"m1"}'), ('/lifts', '{"q":"L1"}'), ('/devices', '{"device":"d-L1"}'), ('/refusals', '{"device":"d-L1"}'),
    ('/refusals', '{"device":"d-new"}'), ('/unknown-devices', '{}'), ('/alarms', format('{"lift":"%s","state":"all"}', pg_temp.lift('L1'))),
    ('/audit', '{}')) v (path, query);
select is(jsonb_array_length((pg_temp.call('auditor-g2', 'GET', '/users')).body::jsonb -> 'items'), 1, 'a limited auditor sees its own account');
select is((pg_temp.call('all-b', 'GET', '/overview')).body::jsonb #>> '{open_alarms,1}', '1', 'counts are of what is seen');
select is((pg_temp.call('all-b', 'GET', '/overview')).body::jsonb #>> '{stages,in_service}', '2', 'and stages');
select is((pg_temp.call('all-b', 'GET', '/events')).body::jsonb - 'session', jsonb_build_object('lifts', jsonb_build_array(pg_temp.lift('L2'), pg_temp.lift('L3'))),
          'the event stream is opened for these lifts');
select is((pg_temp.call('dispatcher', 'GET', '/events')).body::jsonb ->> 'lifts', 'all', 'and for all lifts');

-- A planner of firm A acts on its own alarm but not on firm B's; nothing was written.
select is((pg_temp.call('planner', 'POST', '/alarms/' || id || '/comment', '{}', '{"comment":"x"}')).status, 404, 'no comment on another''s alarm')
from alert.alarm where lift_id = pg_temp.lift('L3') and code = 200;
select is((select count(*) from alert.transition where kind = 'comment'), 0::bigint, 'and nothing was written');
select is((pg_temp.call('planner', 'POST', '/alarms/' || id || '/comment', '{}', '{"comment":"x"}')).status, 200, 'a comment on one''s own')
from alert.alarm where lift_id = pg_temp.lift('L1') and code = 200;

-- Below the operations: every table that names a lift, read as the operations read it.
create function pg_temp.seen(p_user text, p_table regclass, p_lift bigint) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    perform auth.enter(sha256(convert_to('token of ' || p_user, 'UTF8')), null);
    set local role liftd_api;
    execute format('select count(*) from %s where $1 is null or lift_id = $1', p_table) into n using p_lift;
    reset role;
    perform auth.enter(null, null);
    return n;
end
$$;
create function pg_temp.there(p_table regclass, p_lift bigint) returns bigint language plpgsql as $$
declare
    n bigint;
begin
    execute format('select count(*) from %s where lift_id = $1', p_table) into n using p_lift;
    return n;
end
$$;
select is(array [pg_temp.seen('all-b', k.oid, pg_temp.lift('L1')), pg_temp.seen('nobody', k.oid, null), pg_temp.seen('all-b', k.oid, pg_temp.lift('L3'))],
          array [0, 0, pg_temp.there(k.oid, pg_temp.lift('L3'))], 'by its policy, ' || k.oid::regclass)
from information_schema.columns c join pg_class k on k.relname = c.table_name
    and k.relnamespace = c.table_schema::regnamespace and k.relkind in ('r', 'p') and not k.relispartition
where c.column_name = 'lift_id' and has_table_privilege('liftd_api', k.oid, 'select');

select * from finish();
rollback;
