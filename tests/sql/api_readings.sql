-- Readings: thinning keeps real readings and the extremes; bounds, gaps and raw pages.
begin;
\ir lib/world.sql
select no_plan();
create function pg_temp.readings(p_query jsonb) returns jsonb language sql as $$
    select body::jsonb from pg_temp.call('dispatcher', 'GET', '/lifts/' || pg_temp.lift('L4') || '/readings', p_query) $$;

-- A day of a reading every two seconds, with one needle in each stack.
insert into telemetry.reading (lift_id, device, unit, boot, seq, ts, received_at, mode, motion, floor, flags, codes, load, speed, temperature, epoch, filed_at, suspect)
select pg_temp.lift('L4'), 'd', 0, 1, n, t, t, 1, 0, case n when 20001 then -2 when 30001 then 40 else 3 end, 0, case n when 5003 then '{1,2}'::int[] end,
    case n when 10001 then 999 end, case n when 12345 then 2500 when 12346 then -2600 else 0 end, case n when 40001 then -300 when 40003 then 900 else 250 end, 1, t, false
from generate_series(1, 43200) n cross join lateral (select timestamptz '2026-03-01T00:00:00+08:00' + make_interval(secs => 2 * (n - 1)) as t) x;
create table pg_temp.day as select pg_temp.readings(jsonb_build_object('from', '2026-03-01T00:00:00+08:00', 'to', '2026-03-02T00:00:00+08:00', 'points', p::text)) as doc, p
from unnest(array [10, 100, 1000, 5000]) p;
select ok(jsonb_array_length(doc -> 'items') between 2 and p, p || ' points are kept to') from pg_temp.day;
select is(doc ->> 'thinned', 'true', 'and said to be thinned') from pg_temp.day;
select is((select count(distinct x ->> 'seq') from jsonb_array_elements(doc -> 'items') x), jsonb_array_length(doc -> 'items')::bigint, 'each reading once') from pg_temp.day;
select is((select count(*) from jsonb_array_elements(doc -> 'items') x where x ->> 'seq' in ('1', '43200', '5003', '10001', '12345', '12346', '20001', '30001', '40001', '40003')), 10::bigint,
          'the first, the last and every needle among ' || p) from pg_temp.day;
select is(doc -> 'items', (select jsonb_agg(x order by x ->> 'at') from jsonb_array_elements(doc -> 'items') x), 'in order of time') from pg_temp.day;
select is((select count(*) from pg_temp.day, jsonb_array_elements(doc -> 'items') x
    join telemetry.reading d on d.lift_id = pg_temp.lift('L4') and d.seq = (x ->> 'seq')::bigint
    where (d.floor, d.load, d.speed, d.temperature, to_jsonb(d.codes)) is distinct from ((x ->> 'floor')::int, (x ->> 'load_kg')::int,
        (x ->> 'speed_mm_s')::int, (x ->> 'temperature_deci_c')::int, nullif(x -> 'codes', 'null')) or d.filed_at <> (x ->> 'at')::timestamptz),
    0::bigint, 'all of them are readings as they were');

-- Few readings come as they are; bounds are from (included) to (not).
select is(pg_temp.readings('{"from":"2026-03-01T00:00:00+08:00","to":"2026-03-01T00:00:20+08:00","points":"10"}') ->> 'thinned', 'false', 'ten of ten aren''t thinned');
select is(jsonb_path_query_array(pg_temp.readings('{"from":"2026-03-01T00:00:02+08:00","to":"2026-03-01T00:00:06+08:00"}'), '$.items[*].seq'), '[2,3]', 'from is inside, to is not');
select is(pg_temp.readings('{"from":"2026-02-28T00:00:00+08:00","to":"2026-03-01T00:00:00+08:00"}') -> 'items', '[]', 'nothing is nothing');
select is(jsonb_array_length(pg_temp.readings('{"from":"2026-03-01T00:00:00+08:00","to":"2026-04-01T00:00:00+08:00","points":"100"}') -> 'items') > 5, true, 'a month is thinned too');
select is((pg_temp.call('dispatcher', 'GET', '/lifts/' || pg_temp.lift('L1') || '/readings')).body::jsonb ->> 'thinned', 'false', 'by default it is the last day');
select ok(jsonb_array_length((pg_temp.call('dispatcher', 'GET', '/lifts/' || pg_temp.lift('L1') || '/readings')).body::jsonb -> 'items') >= 299, 'up to now');

-- Gaps.
insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts, opened_at, ended_at, outcome) values
    (pg_temp.lift('L4'), 1, 1, 1, 1, 1, '2026-03-01T01:00:00+08:00', '2026-03-01T02:00:00+08:00', '2026-03-01T02:00:00+08:00', null, null),
    (pg_temp.lift('L4'), 1, 1, 5, 1, 5, '2026-03-01T05:00:00+08:00', '2026-03-01T06:00:00+08:00', '2026-03-01T02:00:00+08:00', now(), 'given_up'),
    (pg_temp.lift('L4'), 1, 1, 9, 1, 9, '2026-03-01T07:00:00+08:00', '2026-03-01T08:00:00+08:00', '2026-03-01T02:00:00+08:00', now(), 'filled'),
    (pg_temp.lift('L4'), 1, 2, 9, 2, 9, '2026-03-02T07:00:00+08:00', '2026-03-02T08:00:00+08:00', '2026-03-02T08:00:00+08:00', null, null);
select is(pg_temp.readings('{"from":"2026-03-01T01:30:00+08:00","to":"2026-03-02T00:00:00+08:00"}') -> 'gaps',
    '[{"from":"2026-03-01T01:00:00+08:00","to":"2026-03-01T02:00:00+08:00","given_up":false},{"from":"2026-03-01T05:00:00+08:00","to":"2026-03-01T06:00:00+08:00","given_up":true}]',
    'what is missing, and what of it is given up; what was filled isn''t missing');

-- Raw pages.
select is(jsonb_array_length(pg_temp.readings('{"from":"2026-03-01T00:00:00+08:00","to":"2026-03-02T00:00:00+08:00","raw":"true","limit":"1000"}') -> 'items'), 1000, 'raw readings come by the page');
select isnt(pg_temp.readings('{"from":"2026-03-01T00:00:00+08:00","to":"2026-03-02T00:00:00+08:00","raw":"true","limit":"1000"}') ->> 'next', null, 'with a next one');
select is(array_length(string_to_array((pg_temp.call('dispatcher', 'GET', '/lifts/' || pg_temp.lift('L4') || '/readings',
    '{"from":"2026-03-01T00:00:00+08:00","to":"2026-03-02T00:00:00+08:00","format":"csv"}')).body, E'\r\n'), 1), 10002, 'CSV brings 10,000 lines at once');
insert into telemetry.reading select (d).* from (select d from telemetry.reading d where d.lift_id = pg_temp.lift('L4') and d.seq = 1) x;
update telemetry.reading set epoch = 2 where ctid = (select max(ctid) from telemetry.reading where lift_id = pg_temp.lift('L4') and seq = 1) and lift_id = pg_temp.lift('L4');
select is(jsonb_array_length(pg_temp.readings('{"from":"2026-03-01T00:00:00+08:00","to":"2026-03-01T00:00:20+08:00","points":"20"}') -> 'items'), 11, 'two terminals in one instant are two readings');

select * from finish();
rollback;
