-- The parts of the API one by one: cursors, pages, CSV, checks of what comes in, and the short forms of the catalog.
begin;
\ir lib/world.sql
select no_plan();
create function pg_temp.raised(p_sql text) returns text language plpgsql as $$
declare
    v_detail text; v_out text;
begin
    execute p_sql into v_out;
    return v_out;
exception when sqlstate 'LP422' then
    get stacked diagnostics v_detail = pg_exception_detail;
    return concat_ws(' | ', 'LP422', sqlerrm, v_detail::jsonb -> 'errors');
end
$$;

-- Cursors.
select is(api.cursor_key(null, 'text'), null, 'no cursor, no key');
select is(api.cursor_key(api.cursor(variadic v.key::text[]), variadic v.types::text[])::text, v.key, 'a cursor gives back ' || v.key)
from (values ('{L1}', '{text}'), ('{"a\"b",号楼?/+}', '{text,text}'), ('{""}', '{text}'), ('{"2026-11-23 08:00:00.123456+08",42}', '{timestamptz,bigint}')) v (key, types);
select matches(api.cursor(repeat('号楼?~', 60)), '^[A-Za-z0-9_-]+$', 'a cursor can stand in an address, in one line');
select is(pg_temp.raised(format('select api.cursor_key(%L, variadic %L::text[])', v.cursor, v.types)), 'LP422 | after: is not a cursor of this list | [{"field": "after", "detail": "is not a cursor of this list"}]', 'refused: ' || v.why)
from (values ('', '{text}', 'nothing'), ('!!', '{text}', 'what base64 has not'), ('eA', '{text}', 'no JSON'), ('NQ', '{text}', 'a number'), ('e30', '{text}', 'an object'), ('W10', '{text}', 'an empty key'),
    ('_w', '{text}', 'no UTF-8'), (api.cursor('a', 'b'), '{text}', 'a key too long'), (api.cursor('a'), '{text,text}', 'one too short'), (api.cursor('x'), '{bigint}', 'no number'),
    (api.cursor('9999999999999999999'), '{bigint}', 'a number too big'), (api.cursor('yesterday-ish'), '{timestamptz}', 'no instant'), (api.cursor('2026-02-30'), '{timestamptz}', 'no day')) v (cursor, types, why);

-- Pages.
select is((api.list(array ['1', '2', '3']::json[], 2, 'more')).body::jsonb, '{"items":[1,2],"next":"more"}', 'a page with more behind it');
select is((api.list(array ['1', '2']::json[], 2, 'more')).body::jsonb, '{"items":[1,2],"next":null}', 'a page that ends just so');
select is((api.list(null, 2, null)).body::jsonb, '{"items":[],"next":null}', 'an empty page');
select is((api.list('{}', 2, null)).status, 200, 'is an answer too');
select is((select array_agg(k order by k) from jsonb_object_keys(api.paging()) k), array ['after', 'format', 'limit'], 'what every list takes');
select is_empty($$ select o.id from api.operation o where o.columns is not null and not o.parameters @> api.paging() $$, 'every list takes them');
select is(api.check_query(api.paging(), '{}'), '{"limit":50,"format":"json"}', 'and has what is not said');
select is(api.page_size('{"limit":50,"format":"csv"}', false) ->> 'limit', '10000', 'CSV is long unless its length is said');
select is(api.page_size('{"limit":5,"format":"csv"}', true) ->> 'limit', '5', 'then it is that');
select is(api.page_size('{"limit":10000,"format":"csv"}', true) ->> 'limit', '10000', 'up to 10000');
select is(api.page_size('{"limit":1000,"format":"json"}', true) ->> 'limit', '1000', 'JSON goes to 1000');
select is(pg_temp.raised(v.sql), v.expected, 'further not: ' || v.sql) from (values
    ($$ select api.page_size('{"limit":1001,"format":"json"}', true) $$, 'LP422 | limit: must be from 1 to 1000, with format=csv from 1 to 10000 | [{"field": "limit", "detail": "must be from 1 to 1000, with format=csv from 1 to 10000"}]'),
    ($$ select api.check_query(api.paging(), '{"limit":"10001"}') $$, 'LP422 | the address has wrong parameters | [{"field": "limit", "detail": "must be from 1 to 1000, with format=csv from 1 to 10000"}]'),
    ($$ select api.check_query(api.paging(), '{"limit":"0"}') $$, 'LP422 | the address has wrong parameters | [{"field": "limit", "detail": "must be from 1 to 1000, with format=csv from 1 to 10000"}]')) v (sql, expected);
select is((a).body::jsonb -> 'errors', '[{"field": "limit", "detail": "must be from 1 to 1000, with format=csv from 1 to 10000"}]', 'the door says it too: ' || q::text)
from unnest(array ['{"limit":"1001"}', '{"limit":"10001"}', '{"limit":"10001","format":"csv"}']::jsonb[]) q, pg_temp.call('admin', 'GET', '/lifts', q) a;
select is((select count(*) from (select d.body::jsonb) x (doc), jsonb_each(doc -> 'paths') p, jsonb_each(p.value) m, jsonb_array_elements(m.value -> 'parameters') q
    where q ->> 'name' = 'limit' and q ->> 'description' ~ 'with format=csv 1 to 10000'), (select count(*) from api.operation o where o.columns is not null), 'openapi.json says so of every list')
from api.document d where d.name = 'openapi';

-- CSV.
create function pg_temp.csv_headers(p_next text) returns jsonb language sql as $$
    select (api.as_csv(o, '/api/v1/lifts', row ('lifts', null, '{"q":"a b&c","format":"csv","limit":5}', null, null, null, null, null, null)::api.request,
        row (200, '{"X-Kept":"1"}', json_build_object('items', '[]'::json, 'next', p_next))::api.response)).headers
    from api.operation o where o.id = 'lifts'
$$;
select is(pg_temp.csv_headers(null), '{"X-Kept":"1","Content-Type":"text/csv; charset=utf-8; header=present","Content-Disposition":"attachment; filename=\"lifts.csv\""}', 'a whole CSV is a file of its own name');
select is(pg_temp.csv_headers('n_1-') ->> 'Link', '</api/v1/lifts?after=n_1-&format=csv&limit=5&q=a%20b%26c>; rel="next"', 'one cut off links to the rest, escaped');
select is(api.escape(v.raw), v.escaped, 'escaped: ' || v.raw) from (values ('aZ09-._~', 'aZ09-._~'), ('a+b/c?', 'a%2Bb%2Fc%3F'), ('楼', '%E6%A5%BC'), ('', ''), (null, '')) v (raw, escaped);
select is(api.csv('[{"a":{"b":1},"c":"x,\"y"},{"c":null}]', '[["A","a.b"],["C","c"]]'), chr(65279) || E'A,C\r\n1,"x,""y"\r\n,\r\n', 'CSV reaches into items');
select is(api.csv('[]', '[["A","a"]]'), chr(65279) || E'A\r\n', 'a heading even for nothing');

-- Checks: [] or what is wrong.
create function pg_temp.wrong(p_errors jsonb) returns text language sql as $$
    select coalesce(string_agg(concat_ws(' ', nullif(e ->> 'field', ''), e ->> 'detail'), '; '), '') from jsonb_array_elements(p_errors) e
$$;
select is(pg_temp.wrong(api.check(v.schema::jsonb, v.value::jsonb, 'f')), v.expected, v.value || ' for ' || v.schema) from (values
    ('{"type":"integer","minimum":1,"maximum":7}', '7', ''), ('{"type":"integer","minimum":1,"maximum":7}', '8', 'f must be from 1 to 7'),
    ('{"type":"integer","minimum":1}', '0', 'f must be at least 1'), ('{"type":"integer","maximum":1}', '2', 'f must be at most 1'),
    ('{"type":"integer"}', '1.0', ''), ('{"type":"integer"}', '1.5', 'f must be integer, not number'), ('{"type":"number"}', '1', ''), ('{"type":["integer","null"]}', 'null', ''),
    ('{"type":["integer","null"]}', '"x"', 'f must be integer or null, not string'), ('{"enum":["a","b"]}', '"b"', ''), ('{"enum":["a","b"]}', '"c"', 'f must be one of a, b'),
    ('{"type":"string","minLength":1}', '""', 'f must not be empty'), ('{"type":"string","minLength":3}', '"ab"', 'f needs at least 3 characters'),
    ('{"type":"string","maxLength":2}', '"电梯厅"', 'f may have at most 2 characters'), ('{"type":"string","maxLength":2}', '"电梯"', ''),
    ('{"type":"string","pattern":"^a+$"}', '"b"', 'f must match ^a+$'), ('{"type":"string","pattern":"^a+$","x-pattern":"wants a"}', '"b"', 'f wants a'),
    ('{"type":"string","format":"date"}', '"2026-02-28"', ''), ('{"type":"string","format":"date"}', '"2026-02-30"', 'f must be a date like 2026-11-23'),
    ('{"type":"string","format":"date-time"}', '"2026-11-23T08:00:00 08:00"', ''), ('{"type":"string","format":"date-time"}', '"2026-11-23"', 'f must be an instant like 2026-11-23T08:00:00+08:00'),
    ('{"type":"array","maxItems":1}', '[1,2]', 'f may have at most 1 entries'), ('{"type":"array","minItems":1}', '[]', 'f needs at least 1 entries'),
    ('{"type":"array","uniqueItems":true}', '[1,1]', 'f must not name anything twice'), ('{"type":"array","uniqueItems":true}', '[1,2]', ''),
    ('{"type":"array","items":{"type":"integer"}}', '[1,"x",true]', 'f[1] must be integer, not string; f[2] must be integer, not boolean'),
    ('{"type":"object","properties":{"a":{}},"required":["a","b"]}', '{"c":1}', 'f.a is missing; f.b is missing; f.c is unknown'),
    ('{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"integer"}}}}}', '{"a":{"b":"x"}}', 'f.a.b must be integer, not string'),
    ('{"type":"object","additionalProperties":{"type":"integer"}}', '{"x":1,"y":"z"}', 'f.y must be integer, not string'),
    ('{"type":"object","minProperties":1}', '{}', 'f must name at least one field'), ('{"anyOf":[{"type":"integer"},{"type":"null"}]}', 'null', ''),
    ('{"anyOf":[{"type":"integer"},{"type":"null"}]}', '"x"', 'f must be integer, not string'), ('{"x-kept":true}', 'true', ''), ('{"x-kept":true}', '"secret"', 'f must be string'), ('{}', '{"a":[1]}', '')
) v (schema, value, expected);
select is(jsonb_array_length(api.check('{"type":"object","properties":{}}', (select jsonb_object_agg('k' || n, n) from generate_series(1, 500) n), '')), 20, 'twenty errors are enough');
select is(pg_temp.wrong(api.check_object('{"properties":{"a":{}},"required":["b"]}', '{"c":1}', '')), 'b is missing; c is unknown', 'check_object');
select is(pg_temp.wrong(api.check_array('{"items":{"type":"null"}}', '[null,0]', 'f')), 'f[1] must be null, not integer', 'check_array');
select is(pg_temp.wrong(api.check_string('{"maxLength":1}', 'ab', 'f')), 'f may have at most 1 characters', 'check_string');
select is(pg_temp.wrong(api.check_number('{"minimum":0.5}', 0.4, 'f')), 'f must be at least 0.5', 'check_number');
select is(pg_temp.wrong(api.check_any('[{"type":"string"},{"type":"integer"}]', '1', 'f')), '', 'check_any');
select is(pg_temp.wrong(api.error('f', 'is odd')), 'f is odd', 'an error');
select throws_ok($$ select api.resolve('{"$ref":"#/components/schemas/Nothing"}') $$, 'P0002', null, 'a reference leads somewhere');
select is(pg_temp.raised(format('select api.check_query(%L, %L)', '{"n":{"type":"integer","maximum":5},"b":{"type":"boolean"}}', v.query)), v.expected, 'query ' || v.query)
from (values ('{"n":"5","b":"true"}', '{"b": true, "n": 5}'), ('{}', '{}'), ('{"n":"6"}', 'LP422 | the address has wrong parameters | [{"field": "n", "detail": "must be at most 5"}]'),
    ('{"n":"x"}', 'LP422 | the address has wrong parameters | [{"field": "n", "detail": "must be a whole number"}]'), ('{"b":"1"}', 'LP422 | the address has wrong parameters | [{"field": "b", "detail": "must be true or false"}]'),
    ('{"n":["1","2"]}', 'LP422 | the address has wrong parameters | [{"field": "n", "detail": "must be given once"}]'), ('{"z":"1"}', 'LP422 | the address has wrong parameters | [{"field": "z", "detail": "is unknown"}]')) v (query, expected);
select is(pg_temp.raised(format('select api.check_body(o, %L) from api.operation o where o.id = %L', v.body, v.id)), v.expected, coalesce(v.body, 'no body') || ' for ' || v.id)
from (values ('me', null, null), ('me', '{}', null), ('me', '{"a":1}', 'LP422 | this operation takes no body'), ('alarm_comment', '{"comment":"said"}', '{"comment": "said"}'),
    ('alarm_comment', null, 'LP422 | the body is not as it must be | [{"field": "comment", "detail": "is missing"}]')) v (id, body, expected);

-- The catalog, written short.
select is(api.shape('id int, gone_at at?, lifts [Lift], ?note str'), '{"type":"object","additionalProperties":false,"required":["id","gone_at","lifts"],"properties":{"id":{"type":"integer"},
    "gone_at":{"type":["string","null"],"format":"date-time"},"lifts":{"type":"array","items":{"$ref":"#/components/schemas/Lift"}},"note":{"type":"string"}}}', 'an object');
select throws_ok($$ select api.shape('id') $$, 'P0001', 'not a field: id', 'a field has a type');
select is(api.type_of(v.name, v.many, v.nil), v.expected::jsonb, format('%s %s %s', v.name, v.many, v.nil)) from (values ('on', false, false, '{"type":"string","format":"date"}'), ('any', false, true, '{}'),
    ('Lift', false, true, '{"anyOf":[{"$ref":"#/components/schemas/Lift"},{"type":"null"}]}'), ('num', true, true, '{"type":["array","null"],"items":{"type":"number"}}')) v (name, many, nil, expected);
select is(api.ref('Lift'), '{"$ref":"#/components/schemas/Lift"}', 'a reference');
select is(api.list_of('Lift'), api.shape('items [Lift], next str?'), 'a page of a list');
select is(api.columns_of('id, area=area.code,  x'), '[["id","id"],["area","area.code"],["x","x"]]', 'CSV columns');
select is(api.everyone(), api.people() || text 'wallboard', 'everyone: people and wall screens');
select set_eq('select unnest(api.everyone())', $$ select distinct unnest(o.roles) from api.operation o $$, 'there is no other role in the catalog, and something for each');
select is(api.language_of(v.own, v.accepted), v.expected, format('language %s, accepting %s', v.own, v.accepted))
from (values ('en', 'zh', 'en'), (null, 'en-GB,zh;q=0.5', 'en'), (null, 'zh,en;q=0.5', 'zh'), (null, null, 'zh'), (null, 'enx', 'zh')) v (own, accepted, expected);

-- Items.
select is(api.place_json(3, 'c', '楼', null)::jsonb, '{"id":3,"code":"c","name_zh":"楼","name_en":null}', 'a place');
select is(api.reading_json(d)::jsonb - array ['at', 'ts', 'received_at'], '{"boot":1,"seq":50,"mode":1,"motion":2,"floor":2,"flags":7967,"in_door_zone":true,"front_door_closed":true,"rear_door_closed":true,
    "occupied":true,"on_battery":true,"codes":[41],"energy_wh":50,"trips":null,"run_time_s":null,"door_cycles":null,"load_kg":50,"speed_mm_s":1000,"vibration_mm_s2":null,"temperature_deci_c":250,"clock_suspect":false}', 'a reading')
from telemetry.reading d where d.lift_id = pg_temp.lift('L1') and d.seq = 50;
select is(api.refusal_json(f) - array ['id', 'first_at', 'last_at'], '{"topic":"lift/v1/g1/d-L1/up","reason":"unknown_unit","detail":null,"area":"g1","device":"d-L1","times":1,"bytes":1,"request_at":null,"landed_at":null,"outcome":null}',
    'a refusal, without its bytes') from telemetry.refusal f where f.reason = 'unknown_unit';
create function pg_temp.area(p_code text) returns bigint[] language sql as 'select array_agg(id) from registry.area where code = p_code';
select is((select string_agg(l.code, ' ' order by l.code) from api.lifts_within(pg_temp.area(v.area)) l), v.lifts, 'lifts within ' || v.area) from (values ('g1', 'L1 L2'), ('g2', 'L3 L4'), ('m1', 'L5'), ('dpq', null)) v (area, lifts);
select is((select count(*) from api.lifts_within(null)), 5::bigint, 'all within no bounds');
select is((select count(*) from api.open_alarms_within(pg_temp.area(v.area))), v.alarms, 'open alarms within ' || v.area) from (values ('g1', 3::bigint), ('g2', 2), ('dpq', 0)) v (area, alarms);
update alert.alarm set state = 'cleared', cleared_at = now(), cleared_recorded_at = now(), acknowledged_at = now(), acknowledged_by = 'x' where lift_id = pg_temp.lift('L2');
select is((select count(*) from api.open_alarms_within(null)), 5::bigint, 'all within no bounds but the cleared');

select * from finish();
rollback;
