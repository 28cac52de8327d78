-- Garbage, made from the catalog: wherever an operation takes a value it gets wrong ones, and none of them is a fault of
-- ours (500) or breaks the call.
begin;
\ir lib/world.sql
select no_plan();

create table pg_temp.junk (value jsonb);
insert into pg_temp.junk select j::jsonb from unnest(array ['null', 'true', '0', '-1', '1.0', '0.5', '1e300', '99999999999999999999999', '""', '"0"', '"-1"', '"1"',
    '"null"', '"NaN"', '"infinity"', '"2026-13-45T99:99:99Z"', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59+08:00"', '"2026-02-30"', '"a''b\"c\\d%_"', '"\\\\"', '"((("', '"[a"', '"🛗电梯"', '"\u0001"',
    '[]', '[null]', '[[[]]]', '["g1","g1"]', '[1,2]', '{}', '{"a":1}', '{"areas":["g1"]}', '{"firm":5}', '[{"unit":0,"lift_id":1.0}]', '[{"unit":1.0,"lift_id":2}]', '[{"lift_id":null}]',
    '["dispatcher"]']) j;
insert into pg_temp.junk select to_jsonb(repeat('x', n)) from unnest(array [41, 65, 301, 10000]) n;
insert into pg_temp.junk select to_jsonb(api.cursor(variadic k)) from (values (array ['x']), (array ['1', '2', '3']), (array ['infinity', '1']), (array ['2026-01-01', '9', '9', '9']),
    (array ['99999999999999', '1', '1']), (array [null::text]), (array [chr(1), chr(65535)])) v (k);

create function pg_temp.worst(p_operation text, p_as text default 'admin') returns text language plpgsql as $$
declare
    o api.operation;
    s pg_temp.sample;
    a pg_temp.answer;
    j record;
    v_name text;
    v_bad text := '';
begin
    select * into o from api.operation where id = p_operation;
    select * into s from pg_temp.sample where id = p_operation;
    for v_name in select jsonb_object_keys(o.parameters) loop
        for j in select * from pg_temp.junk loop
            a := pg_temp.attempt(p_as, o.method, s.path, s.query || jsonb_build_object(v_name, case jsonb_typeof(j.value) when 'array' then j.value else to_jsonb(j.value #>> '{}') end), s.body, s.secret);
            if a.status >= 500 or a.status is null then
                v_bad := v_bad || format('%s=%s: %s; ', v_name, left(j.value::text, 40), a.status);
            end if;
        end loop;
    end loop;
    for v_name in select jsonb_object_keys(o.body -> 'properties') loop
        for j in select * from pg_temp.junk loop
            a := pg_temp.attempt(p_as, o.method, s.path, s.query, s.body || jsonb_build_object(v_name, j.value), s.secret);
            if a.status >= 500 or a.status is null then
                v_bad := v_bad || format('%s: %s: %s; ', v_name, left(j.value::text, 40), a.status);
            end if;
        end loop;
    end loop;
    for j in select * from pg_temp.junk loop
        a := pg_temp.attempt(p_as, o.method, regexp_replace(s.path, '^(/[a-z-]+/)[^/]+', '\1' || replace(j.value #>> '{}', '\', '\\')), s.query, s.body, s.secret);
        if a.status >= 500 or a.status is null then
            v_bad := v_bad || format('path %s: %s; ', left(j.value::text, 40), a.status);
        end if;
        a := pg_temp.attempt(p_as, o.method, s.path, s.query, case jsonb_typeof(j.value) when 'object' then j.value end, s.secret);
        if a.status >= 500 or a.status is null then
            v_bad := v_bad || format('body %s: %s; ', left(j.value::text, 40), a.status);
        end if;
    end loop;
    return v_bad;
end
$$;
select is(left(pg_temp.worst(o.id), 600), '', o.id) from api.operation o where o.id <> 'openapi' order by o.id;

select * from finish();
rollback;
