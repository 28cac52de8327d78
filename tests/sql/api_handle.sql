-- The door itself: routing, checks, pages, CSV, idempotency, problems.
begin;
\ir lib/world.sql
select no_plan();

-- A short way to ask as the dispatcher.
create function pg_temp.ask(p_method text, p_path text, p_query jsonb default '{}', p_body jsonb default null) returns pg_temp.answer
language sql as $$ select * from pg_temp.call('dispatcher', p_method, p_path, p_query, p_body) $$;
create function pg_temp.code(a pg_temp.answer) returns text language sql as $$ select a.status || ' ' || (a.body::jsonb ->> 'code') $$;
create function pg_temp.fields(a pg_temp.answer) returns text language sql as $$
    select a.status || ' ' || coalesce((select string_agg(e ->> 'field', ' ' order by ord) from jsonb_array_elements(a.body::jsonb -> 'errors')
        with ordinality x (e, ord)), '') $$;

-- Routes.
select is(pg_temp.code(pg_temp.ask('GET', v.path)), '404 not_found', 'nothing at ' || v.path)
from (values ('/'), ('/lift'), ('/lifts/'), ('/lifts/x'), ('/lifts/0'), ('/lifts/-1'), ('/lifts/1.5'), ('/lifts/9999999999999999999'), ('/lifts/*'),
    ('/lifts/1/2'), ('/lifts//readings'), ('/lifts/1/readings/'), ('/*/1'), ('/alarms/99999/acknowledge/x'), ('/openapi'),
    ('/' || repeat('x', 600))) v (path);
select is((api.handle('GET', v.path, null, null, '{}', null, null, null)).status, 404, 'nothing at ' || v.path)
from (values (''), ('/'), ('/api/v2/lifts'), ('api/v1/lifts'), ('/api/v1')) v (path);
select is((pg_temp.ask(v.method, v.path)).headers ->> 'Allow', v.allow, v.method || ' ' || v.path)
from (values ('PUT', '/lifts', 'GET, HEAD'), ('DELETE', '/users', 'GET, HEAD, POST'), ('POST', '/me', 'GET, HEAD, PATCH'),
    ('OPTIONS', '/session', 'DELETE, POST'), ('GET', '/alarms/1/comment', 'POST'), ('get', '/lifts', 'GET, HEAD')) v (method, path, allow);
select is(pg_temp.code(pg_temp.ask('PUT', '/lifts')), '405 method_not_allowed', 'and its code');
select is((pg_temp.ask('HEAD', '/lifts')).body, (pg_temp.ask('GET', '/lifts')).body, 'HEAD is answered as GET; the gateway leaves the body away');
select is(pg_temp.code(pg_temp.call('nobody', 'GET', '/lifts', '{"x":"1"}')), '401 no_session', 'rights come before checks');
select is((pg_temp.call('nobody', 'GET', '/lifts')).headers ->> 'WWW-Authenticate', 'Bearer realm="liftd"', 'and say how to sign in');

-- What an address may say.
select is(pg_temp.fields(pg_temp.ask('GET', v.path, v.query::jsonb)), v.expected, v.path || ' ' || v.query)
from (values ('/lifts', '{"x":"1","stage":"gone"}', '422 x stage'), ('/lifts', '{"limit":"0"}', '422 limit'), ('/lifts', '{"limit":"1001"}', '422 limit'),
    ('/lifts', '{"limit":"1e2"}', '422 limit'), ('/lifts', '{"limit":""}', '422 limit'), ('/lifts', '{"limit":["1","2"]}', '422 limit'),
    ('/lifts', '{"limit":"10001","format":"csv"}', '422 limit'), ('/lifts', '{"format":"xml"}', '422 format'), ('/lifts', '{"after":"!!"}', '422 after'),
    ('/lifts', '{"after":"WyIxIiwiMiJd"}', '422 after'), ('/lifts', '{"after":"e30"}', '422 after'), ('/lifts', '{"after":"/w"}', '422 after'),
    ('/lifts', '{"q":""}', '422 q'), ('/lifts', '{"area":"a b"}', '422 area'), ('/alarms', '{"after":"WyIxIiwieCIsIjEiXQ"}', '422 after'),
    ('/alarms', '{"priority":"5"}', '422 priority'), ('/alarms', '{"lift":"99999999999999999999"}', '422 lift'), ('/me', '{"limit":"1"}', '422 limit'),
    ('/openapi.json', '{"format":"csv"}', '422 format'),
    ('/lifts/' || pg_temp.lift('L1') || '/readings', '{"from":"yesterday","to":"2026-02-30T00:00:00Z","points":"9","raw":"yes"}', '422 to raw from points'),
    ('/lifts/' || pg_temp.lift('L1') || '/readings', '{"from":"2026-01-01T00:00:00Z","to":"2026-03-01T00:00:00Z"}', '422 from'),
    ('/lifts/' || pg_temp.lift('L1') || '/readings', '{"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}', '422 from')) v (path, query, expected);
select is((pg_temp.ask('GET', '/lifts/' || pg_temp.lift('L1') || '/readings', '{"from":"2026-01-01T00:00:00 08:00","to":"2026-01-02T00:00:00.5-03:00"}')).status,
          200, 'a plus that became a space is taken as a plus');
select is(jsonb_array_length((pg_temp.ask('GET', '/lifts', (select jsonb_object_agg('x' || n, '1') from generate_series(1, 500) n))).body::jsonb -> 'errors'), 20,
          'errors are bounded');

-- What a body may say.
select is(pg_temp.fields(pg_temp.call('admin', 'POST', '/users', '{}', v.body::jsonb)), v.expected, 'POST /users ' || left(v.body, 60))
from (values ('{}', '422 name display_name roles password'), ('{"nam":"x","name":"x","display_name":"x","roles":["fund"],"password":true}', '422 nam'),
    ('{"name":1,"display_name":null,"roles":"fund","password":"secret"}', '422 name roles password display_name'),
    ('{"name":"x","display_name":"x","roles":[],"password":true}', '422 roles'), ('{"name":"x","display_name":"x","roles":["king"],"password":true}', '422 roles[0]'),
    ('{"name":"x","display_name":"x","roles":["fund","fund"],"password":true}', '422 roles'),
    ('{"name":"x","display_name":"x","roles":["wallboard"],"password":true}', '422 roles[0]'),
    ('{"name":"x","display_name":"x","roles":["planner"],"password":true}', '422 scope'),
    ('{"name":"x","display_name":"x","roles":["admin"],"password":true,"scope":{"areas":["g1"]}}', '422 scope'),
    ('{"name":"x","display_name":"x","roles":["fund"],"password":true,"scope":{"area":["g1"]}}', '422 scope.area'),
    ('{"name":"x","display_name":"x","roles":["fund"],"password":true,"scope":[]}', '422 scope'),
    ('{"name":"' || repeat('x', 65) || '","display_name":"x","roles":["fund"],"password":true}', '422 name'),
    ('{"name":"x","display_name":"a\u0007b","roles":["fund"],"password":true}', '422 display_name')) v (body, expected);
select is(pg_temp.fields(pg_temp.call('admin', 'POST', '/users', '{}', v.body::jsonb, '{"hash":"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$A"}')), v.expected, 'POST /users, hashed, ' || v.body)
from (values ('{"name":" x","display_name":"x","roles":["fund"],"password":true}', '422 name'),
    ('{"name":"x","display_name":"x","roles":["fund"],"password":true,"scope":{"areas":["nowhere"]}}', '422 scope.areas'),
    ('{"name":"x","display_name":"x","roles":["fund"],"password":true,"scope":{"firm":"nobody"}}', '422 scope.firm')) v (body, expected);
select is(pg_temp.code(pg_temp.call('admin', 'GET', '/users', '{}', '{"a":1}')), '422 invalid', 'a body where none belongs');
select is(pg_temp.fields(pg_temp.ask('POST', '/devices', '{}', v.body::jsonb)), v.expected, 'POST /devices ' || v.body)
from (values ('{"device":"a b","area":"g1"}', '422 device'), ('{"device":"d","area":"nowhere"}', '422 area'),
    ('{"device":"d","area":"g1","units":[{"unit":256,"lift_id":1}]}', '422 units[0].unit'), ('{"device":"d","area":"g1","units":[{"unit":0}]}', '422 units[0].lift_id'),
    ('{"device":"d","area":"g1","units":[{"unit":0,"lift_id":999999}]}', '422 units'), ('{"device":"d","area":"g1","units":{}}', '422 units')) v (body, expected);
select is((pg_temp.ask('POST', '/alarms/' || id || '/acknowledge')).status, 200, 'no body is an empty one') from alert.alarm where lift_id = pg_temp.lift('L5');

-- The validator.
select is(api.check(v.schema::jsonb, v.value::jsonb, 'f') = '[]', v.good, v.schema || ' takes ' || v.value || ': ' || v.good)
from (values ('{"type":"integer"}', '1', true), ('{"type":"integer"}', '1.0', true), ('{"type":"integer"}', '1.5', false), ('{"type":"number"}', '1', true),
    ('{"type":["integer","null"]}', 'null', true), ('{"type":"string"}', 'null', false), ('{"type":"string","maxLength":2}', '"电梯"', true),
    ('{"type":"string","maxLength":2}', '"abc"', false), ('{"type":"string","minLength":1}', '""', false), ('{"type":"string","pattern":"^a$"}', '"b"', false),
    ('{"type":"string","format":"date"}', '"2026-02-29"', false), ('{"type":"string","format":"date"}', '"2028-02-29"', true),
    ('{"type":"string","format":"date"}', '"today"', false), ('{"type":"string","format":"date-time"}', '"2026-01-01T00:00:00Z"', true),
    ('{"type":"string","format":"date-time"}', '"2026-01-01 00:00:00"', false), ('{"type":"string","format":"date-time"}', '"infinity"', false),
    ('{"type":"string","format":"date-time"}', '"2026-01-01T00:00:00+99:00"', false), ('{"enum":[1,"a"]}', '"a"', true), ('{"enum":[1,"a"]}', '"1"', false),
    ('{"type":"integer","minimum":1}', '0', false), ('{"type":"integer","maximum":1}', '2', false), ('{"type":"array","items":{"type":"integer"}}', '[1,"x"]', false),
    ('{"type":"array","maxItems":1}', '[1,2]', false), ('{"type":"array","minItems":1}', '[]', false), ('{"type":"array","uniqueItems":true}', '[1,1]', false),
    ('{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false}', '{"b":1}', false),
    ('{"type":"object","additionalProperties":{"type":"integer"}}', '{"b":1}', true), ('{"type":"object","additionalProperties":{"type":"integer"}}', '{"b":"x"}', false),
    ('{"type":"object","minProperties":1,"properties":{"a":{}}}', '{}', false), ('{"anyOf":[{"type":"integer"},{"type":"null"}]}', 'null', true),
    ('{"anyOf":[{"type":"integer"},{"type":"null"}]}', '"x"', false), ('{"$ref":"#/components/schemas/Scope"}', '{"areas":[],"firm":null}', true),
    ('{"$ref":"#/components/schemas/Scope"}', '{"areas":[1],"firm":null}', false), ('{"type":"string","x-kept":true}', 'true', true),
    ('{"type":"string","x-kept":true}', '"plain"', false), ('{}', '{"any":["thing"]}', true)) v (schema, value, good);

-- Pages: one at a time they are the whole, in its order.
create function pg_temp.walk(p_user text, p_path text, p_query jsonb) returns jsonb language plpgsql as $$
declare
    v_all jsonb := '[]';
    v_next text;
    a jsonb;
begin
    loop
        a := (pg_temp.call(p_user, 'GET', p_path, p_query || '{"limit":"1"}' || jsonb_strip_nulls(jsonb_build_object('after', v_next)))).body;
        v_all := v_all || (a -> 'items');
        v_next := a ->> 'next';
        exit when v_next is null or jsonb_array_length(v_all) > 1000;
    end loop;
    return v_all;
end
$$;
select is(pg_temp.walk('admin', v.path, v.query::jsonb), (pg_temp.call('admin', 'GET', v.path, v.query::jsonb || '{"limit":"1000"}')).body::jsonb -> 'items',
          'page by page: ' || v.path || v.query)
from (values ('/lifts', '{}'), ('/lifts', '{"area":"g1"}'), ('/alarms', '{}'), ('/alarms', '{"state":"all"}'), ('/alarms', '{"code":"42"}'), ('/refusals', '{}'),
    ('/unknown-devices', '{}'), ('/devices', '{}'), ('/areas', '{}'), ('/parties', '{}'), ('/users', '{}'), ('/rules', '{}'), ('/audit', '{}'),
    ('/lifts/' || pg_temp.lift('L1') || '/readings', '{"raw":"true"}')) v (path, query);
select is((select jsonb_agg(x ->> 'priority' order by ord) from jsonb_array_elements((pg_temp.ask('GET', '/alarms')).body::jsonb -> 'items') with ordinality y (x, ord)),
          '["1","1","3","3","3","3"]', 'open alarms: the most urgent first');
select is(pg_temp.codes(pg_temp.ask('GET', '/lifts', v.query::jsonb)), v.codes, 'lifts ' || v.query)
from (values ('{"q":"l1"}', 'L1'), ('{"q":"building b3"}', 'L3'), ('{"q":"小区c1"}', 'L1 L2'), ('{"q":"%"}', ''), ('{"stage":"under_construction"}', 'L4'),
    ('{"area":"dpq"}', 'L1 L2 L3 L4 L5'), ('{"area":"m1"}', 'L5'), ('{"area":"none"}', '')) v (query, codes);

-- What people see is exact.
select matches((pg_temp.ask('GET', '/lifts')).body::jsonb #>> '{items,0,last_at}', '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+08:00$', 'instants are RFC 3339, Shanghai time');
select is((pg_temp.ask('GET', '/overview')).body::jsonb -> 'stages', '{"signed":0,"to_start":0,"under_construction":1,"in_service":4,"suspended":0,"scrapped":0}', 'stages are counted');
select is((pg_temp.ask('GET', '/overview', '{"area":"g2"}')).body::jsonb #>> '{stages,in_service}', '1', 'of one area too');
select is((pg_temp.ask('GET', '/overview')).body::jsonb ->> 'silent_lifts', '1', 'silent lifts are counted');
select is(jsonb_path_query_array((pg_temp.ask('GET', '/overview')).body::jsonb, '$.grids[*].compounds[*].buildings[*].lifts[*].code'), '["L1","L2","L5","L3","L4"]',
          'the tree has every lift; a micro-grid''s under its grid');
select is((pg_temp.ask('GET', '/lifts/' || pg_temp.lift('L2'))).body::jsonb -> 'parties',
          jsonb_build_array(jsonb_build_object('role', 'maintenance_firm', 'name_zh', '乙维保', 'name_en', 'Firm B', 'phone', '200', 'from_on', auth.today(), 'to_on', null)),
          'a lift''s parties are today''s');
select is((pg_temp.ask('GET', '/lifts/' || pg_temp.lift('L4'))).body::jsonb -> 'now', 'null', 'nothing heard is null');
select is(api.flag(v.flags, 1), v.expected, 'flags ' || coalesce(v.flags::text, 'null'))
from (values (null::int, null::boolean), (0, null), (2, null), (512, false), (514, true)) v (flags, expected);
select is(x ->> 'people_trapped', (x ->> 'code' = '200')::text, 'people trapped: ' || (x ->> 'code'))
from jsonb_array_elements((pg_temp.ask('GET', '/alarms')).body::jsonb -> 'items') x;
select is((pg_temp.ask('GET', '/refusals/' || (select id from telemetry.refusal where payload = '\x02'))).body::jsonb ->> 'payload_hex', '02', 'a refusal''s bytes');

-- Acknowledging twice is one acknowledgement, the first one's.
select is((pg_temp.call('admin', 'POST', '/alarms/' || id || '/acknowledge', '{}', '{"comment":"mine"}')).body::jsonb ->> 'acknowledged_by', 'The dispatcher', 'a second acknowledgement answers the first')
from alert.alarm where lift_id = pg_temp.lift('L5');
select is((select count(*) from alert.transition t join alert.alarm a on a.id = t.alarm_id where a.lift_id = pg_temp.lift('L5') and t.kind = 'acknowledge'), 1::bigint, 'and writes nothing');

-- CSV.
select is(api.csv_cell(v.value::json), v.cell, 'CSV of ' || v.value)
from (values ('null', ''), ('1', '1'), ('-1.5', '-1.5'), ('true', 'true'), ('"a"', 'a'), ('"a,b"', '"a,b"'), ('"a\"b"', '"a""b"'), ('"a\r\nb"', E'"a\r\nb"'),
    ('"=1+1"', '"''=1+1"'), ('"+1"', '"''+1"'), ('"-1"', '"''-1"'), ('"@x"', '"''@x"'), ('"\t=1"', E'"''\t=1"'), ('"＝1"', '"''＝1"'), ('" a"', '" a"'),
    ('[1,2]', '"[1,2]"'), ('"电梯"', '电梯')) v (value, cell);
select is((pg_temp.ask('GET', '/alarms', '{"format":"csv"}')).headers ->> 'Content-Type', 'text/csv; charset=utf-8; header=present', 'CSV says what it is');
select is(regexp_count((pg_temp.ask('GET', '/alarms', '{"format":"csv"}')).body, E'\r\n'), 7, 'a heading and a line each, ended by CR LF');
select matches((pg_temp.ask('GET', '/alarms', '{"format":"csv","limit":"2","state":"all"}')).headers ->> 'Link',
               '^</api/v1/alarms\?after=[A-Za-z0-9_-]+&format=csv&limit=2&state=all>; rel="next"$', 'a CSV cut off says where the rest is');
select is((pg_temp.ask('GET', '/alarms', '{"format":"csv"}')).headers ->> 'Link', null, 'and a whole one doesn''t');
select is(api.escape('a b&=/电~'), 'a%20b%26%3D%2F%E7%94%B5~', 'addresses are escaped');

-- Entity tags.
select is((pg_temp.call('dispatcher', 'GET', '/rules', '{}', null, null, 'fresh', jsonb_build_object('if_none_match', (pg_temp.ask('GET', '/rules')).headers ->> 'ETag'))).status, 304, 'not modified');
select is((pg_temp.call('dispatcher', 'GET', '/rules', '{}', null, null, 'fresh', '{"if_none_match":"W/\"0\""}')).status, 200, 'modified');

-- Idempotency keys.
create function pg_temp.keyed(p_key text, p_body jsonb, p_user text default 'dispatcher') returns pg_temp.answer language sql as $$
    select * from pg_temp.call(p_user, 'POST', '/devices', '{}', p_body, null, 'fresh', jsonb_build_object('idempotency_key', p_key)) $$;
create table pg_temp.first as select * from pg_temp.keyed('k1', '{"device":"d-k","area":"g1"}');
select is((select status from pg_temp.first), 201, 'a request with a key');
select is((pg_temp.keyed('k1', '{"area":"g1","device":"d-k"}')).body::jsonb, (select body::jsonb from pg_temp.first), 'the same again, the same answer');
select is((pg_temp.keyed('k1', '{"area":"g1","device":"d-k"}')).headers ->> 'Idempotency-Replayed', 'true', 'which says so');
select is((select count(*) from auth.audit where action = 'device_register'), 1::bigint, 'and it was done once');
select is(pg_temp.code(pg_temp.keyed('k1', '{"area":"g2","device":"d-k"}')), '409 key_reused', 'another request with that key');
select is((pg_temp.keyed('k1', '{"area":"g1","device":"d-k"}', 'admin')).headers ->> 'Idempotency-Replayed', null, 'another''s keys are another''s');
select is((pg_temp.keyed('k2', '{"area":"none","device":"d-k"}')).status, 422, 'a problem');
select is((pg_temp.keyed('k2', '{"area":"g1","device":"d-k"}')).status, 201, 'leaves its key free');
select is(pg_temp.code(pg_temp.keyed(v.key, '{"area":"g1","device":"d-k"}')), '400 bad_key', 'a malformed key') from (values (''), (repeat('k', 201)), (E'a\tb'), ('键')) v (key);
update api.idempotency set at = now() - interval '25 hours';
select is((pg_temp.keyed('k1', '{"area":"g2","device":"d-k"}')).status, 201, 'a key is forgotten after a day');

-- Audit.
select results_eq($$select user_name, action, object, detail from auth.audit where action in ('alarm_acknowledge') and user_name = 'dispatcher'$$,
    format($$values ('dispatcher', 'alarm_acknowledge', '%s', '{}'::jsonb)$$, (select id from alert.alarm where lift_id = pg_temp.lift('L5'))), 'what changed something is written down');

-- Problems.
select is((pg_temp.call('nobody', 'GET', '/me', '{}', null, null, 'fresh', jsonb_build_object('accept_language', v.accept))).body::jsonb ->> 'title', v.title, 'title for ' || coalesce(v.accept, 'nobody in particular'))
from (values (null, '请先登录'), ('zh-CN,zh;q=0.9', '请先登录'), ('en-US,en;q=0.9', 'Sign in first'), ('fr', '请先登录')) v (accept, title);
select is((pg_temp.ask('GET', '/none')).body::jsonb ->> 'title', 'Not found', 'one''s own language goes first');
select is((pg_temp.ask('GET', '/none')).headers ->> 'Content-Type', 'application/problem+json', 'problems are problem documents');
select is(api.check('{"$ref":"#/components/schemas/Problem"}', (pg_temp.ask('GET', '/lifts', '{"x":"1"}')).body::jsonb, ''), '[]', 'as described');
select is((select count(*) from api.problem_title t where t.title_zh = '' or t.title_en = ''), 0::bigint, 'every title is there in both languages');

-- Whatever is raised inside an operation.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters)
values ('broken', 'GET', '/api/v1/broken', 'test', '{dispatcher}', 'x', 'x', '{"state":{"type":"string"}}');
create function api.broken(r api.request) returns api.response language plpgsql as $$
begin
    raise exception using errcode = r.query ->> 'state', message = 'secret message', detail = '{"code":"own_code"}', column = 'field';
end
$$;
alter function api.broken(api.request) owner to liftd_api;
select is(pg_temp.code(pg_temp.ask('GET', '/broken', jsonb_build_object('state', v.state))), v.expected, v.state || ' is ' || v.expected)
from (values ('LP418', '418 own_code'), ('LP503', '503 own_code'), ('22023', '422 invalid'), ('23505', '409 conflict'), ('23503', '409 conflict'), ('40001', '503 busy'),
    ('40P01', '503 busy'), ('53300', '503 busy'), ('55P03', '503 busy'), ('57P01', '503 busy'), ('25006', '503 busy'), ('22012', '500 internal'), ('42501', '500 internal'),
    ('P0001', '500 internal'), ('XX000', '500 internal')) v (state, expected);
select unalike((pg_temp.ask('GET', '/broken', '{"state":"42P01"}')).body, '%secret%', 'a fault of ours tells nothing of itself');
select matches((pg_temp.ask('GET', '/broken', '{"state":"42P01"}')).body::jsonb ->> 'incident', '^[0-9a-f-]{36}$', 'but a number to find it by');
select is((pg_temp.ask('GET', '/broken', '{"state":"40001"}')).headers ->> 'Retry-After', '1', 'what passes says when to come back');
create function pg_temp.cancelled() returns boolean language plpgsql as $$
begin
    perform pg_temp.ask('GET', '/broken', '{"state":"57014"}');
    return false;
exception when query_canceled then
    return true;
end
$$;
select ok(pg_temp.cancelled(), 'a cancelled statement stays cancelled: the gateway answers it');

-- Identity never outlives its request, whatever was there before.
select pg_temp.ask('GET', '/me') is not null as ignored \gset
select is((pg_temp.call('nobody', 'GET', '/me')).status, 401, 'the next request on this connection is nobody''s');
select is(array [auth.user_id()::text, auth.sees_all()::text, auth.lift_ids()::text, auth.roles()::text], array [null, 'false', '{}', '{}'], 'and nothing is left of the last one');
select set_config('app.user_id', '1', false), set_config('app.roles', '{admin}', false), set_config('app.sees_all', 'on', false) \gset ignored_
select is((pg_temp.call('nobody', 'GET', '/users')).status, 401, 'nor can a connection bring its own');

-- openapi.json: every operation, every schema that is referred to, both kept in step by construction; here the construction.
create table pg_temp.doc as select (pg_temp.call('nobody', 'GET', '/openapi.json')).body::jsonb as doc;
select is((select count(*) from pg_temp.doc, jsonb_each(doc -> 'paths') p, jsonb_each(p.value) m), (select count(*) from api.operation where id <> 'broken'), 'openapi.json has every operation');
select is((select count(*) from pg_temp.doc, regexp_matches(doc::text, '"\$ref": "#/components/schemas/([A-Za-z]+)"', 'g') m where doc #> array ['components', 'schemas', m[1]] is null), 0::bigint,
          'and every schema referred to');
select is((pg_temp.call('nobody', 'GET', '/openapi.json')).body::jsonb - 'paths', api.openapi_document()::jsonb - 'paths', 'and is the one of this catalog');
select is((select string_agg(o.id, ' ') from api.operation o where to_regprocedure('api.' || o.id || '(api.request)') is null), null, 'every operation has its function');
select is((select string_agg(x.code, ' ') from (select distinct m[1] as code from pg_proc p, regexp_matches(p.prosrc, 'problem\(\d+, ''([a-z_]+)''', 'g') m
    where p.pronamespace in ('api'::regnamespace, 'auth'::regnamespace)) x where not exists (select from api.problem_title t where t.code = x.code)), null, 'every problem has its title');

select * from finish();
rollback;
