-- The parts of landing that have no file of their own: presence, the latest values, days that are made, devices that are
-- seen; and histories that stay as they were written.
begin;
\ir lib/landing.sql
select no_plan();

-- Presence: the last word of a batch counts, what is older than the word before doesn't.
create function pg_temp.say(p_device text, p_online boolean, p_minute int, p_area text default 's1') returns void language sql as $$
    insert into pg_temp.presence_in values (p_area, p_device, p_online, pg_temp.at(p_minute))
$$;
create function pg_temp.presence() returns text language plpgsql as $$
begin
    perform telemetry.land_presence();
    truncate pg_temp.presence_in;
    return (select string_agg(format('%s %s %s %s %s', p.device, p.area, p.online, extract(epoch from p.changed_at - pg_temp.at(0))::int / 60,
        extract(epoch from p.heard_at - pg_temp.at(0))::int / 60), ', ' order by p.device) from telemetry.presence p);
end $$;
select is(pg_temp.presence(), null, 'nothing said, nothing known');
select pg_temp.say('d1', false, 1), pg_temp.say('d1', true, 3), pg_temp.say('d1', false, 2), pg_temp.say('d2', false, 1);
select is(pg_temp.presence(), 'd1 s1 t 3 3, d2 s1 f 1 1', 'the last word of each device');
select pg_temp.say('d1', true, 5), pg_temp.say('d2', true, 5, 's2');
select is(pg_temp.presence(), 'd1 s1 t 3 5, d2 s2 t 5 5', 'said again it is heard, not changed; an area may change');
select pg_temp.say('d1', false, 4);
select is(pg_temp.presence(), 'd1 s1 t 3 5, d2 s2 t 5 5', 'an old word changes nothing');
select pg_temp.say('d1', false, 6), pg_temp.say('d1', true, 6);
select is(pg_temp.presence(), 'd1 s1 t 3 6, d2 s2 t 5 5', 'of two at one time it is there');
select pg_temp.say('d1', false, 6);
select is(pg_temp.presence(), 'd1 s1 f 6 6, d2 s2 t 5 5', 'unless the other comes later');

-- The latest values: the highest position of a batch over what was there.
create function pg_temp.now_is(p_lift bigint, p_epoch int, p_boot bigint, p_seq bigint, p_floor int, p_silent boolean default false) returns void language sql as $$
    insert into pg_temp.now_in (lift_id, device, unit, boot, seq, ts, received_at, floor, codes, epoch, filed_at, suspect, silent)
    values (p_lift, 'd', 0, p_boot, p_seq, now(), now(), p_floor, '{4}', p_epoch, now(), false, p_silent)
$$;
create function pg_temp.latest() returns text language plpgsql as $$
begin
    perform telemetry.land_now();
    truncate pg_temp.now_in;
    return (select string_agg(format('%s: %s.%s.%s floor %s %s %s', n.lift_id, n.epoch, n.boot, n.seq, n.floor, n.codes, n.silent), ', ' order by n.lift_id) from telemetry.lift_now n);
end $$;
select pg_temp.now_is(1, 1, 1, 9, 3), pg_temp.now_is(1, 1, 2, 1, 4), pg_temp.now_is(1, 1, 1, 12, 5), pg_temp.now_is(2, 1, 1, 1, 6);
select is(pg_temp.latest(), '1: 1.2.1 floor 4 {4} f, 2: 1.1.1 floor 6 {4} f', 'the highest position of each lift');
select pg_temp.now_is(2, 1, 1, 1, 6, true);
select is(pg_temp.latest(), '1: 1.2.1 floor 4 {4} f, 2: 1.1.1 floor 6 {4} t', 'a lift falls silent where it is');
select pg_temp.now_is(1, 2, 1, 1, null), pg_temp.now_is(1, 1, 9, 9, 7);
select is(pg_temp.latest(), '1: 2.1.1 floor  {4} f, 2: 1.1.1 floor 6 {4} t', 'a new terminal counts before the old one; unknown becomes unknown');
insert into pg_temp.now_in select 3, 'dev', 2, 5, 6, at, at + interval '1 s', 1, 2, 3, 4, '{5}', 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, at, true, true from (select pg_temp.at(7) as at) x;
select telemetry.land_now();
select results_eq('select * from telemetry.lift_now where lift_id = 3', 'select * from pg_temp.now_in', 'every column is written');
update pg_temp.now_in set device = 'dew', unit = 3, boot = 6, seq = 7, ts = ts + interval '1 h', received_at = received_at + interval '1 h', mode = 2, motion = 3, floor = 4, flags = 5, codes = '{6}', energy = 7,
    trips = 8, run_time = 9, door_cycles = 10, load = 11, speed = 12, vibration = 13, temperature = 14, heard = 15, epoch = 16, filed_at = filed_at + interval '1 h', suspect = false, silent = false;
select telemetry.land_now();
select results_eq('select * from telemetry.lift_now where lift_id = 3', 'select * from pg_temp.now_in', 'and written over');

-- Days.
select is(telemetry.today(), (now() at time zone 'Asia/Shanghai')::date, 'the day in Shanghai');
create function pg_temp.today_in(p_zone text) returns date language plpgsql as $$
begin
    perform set_config('timezone', p_zone, true);
    return telemetry.today();
end $$;
select is(pg_temp.today_in(z), (now() at time zone 'Asia/Shanghai')::date, 'seen from ' || z || ' too') from unnest(array ['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'UTC']) z;
create function pg_temp.instant(p_shift interval) returns timestamptz language sql as $$ select ((telemetry.today() + 20)::timestamp + p_shift) at time zone 'Asia/Shanghai' $$;
insert into telemetry.reading (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect)
select 1, 'd', 0, 1, n, pg_temp.instant(t), now(), 1, pg_temp.instant(t), false from unnest(array ['-1 us', '0', '23:59:59.999999', '24:00']::interval[]) with ordinality x (t, n);
create function pg_temp.where_is() returns text language sql as $$
    select string_agg(d.seq || ':' || case d.tableoid::regclass::text when 'telemetry.reading_default' then 'default'
        when 'telemetry.reading_' || to_char(telemetry.today() + 20, 'YYYYMMDD') then 'day' else 'elsewhere' end, ' ' order by d.seq) from telemetry.reading d where d.lift_id = 1
$$;
select is(pg_temp.where_is(), '1:default 2:default 3:default 4:default', 'without a day of theirs readings wait');
select telemetry.make_partition(telemetry.today() + 20);
select is(pg_temp.where_is(), '1:default 2:day 3:day 4:default', 'a day takes what is its own, Shanghai time, from midnight to midnight');
insert into telemetry.reading (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect) values (1, 'd', 0, 1, 5, now(), now(), 1, pg_temp.instant('12:00'), false);
select is(pg_temp.where_is(), '1:default 2:day 3:day 4:default 5:day', 'and what comes then');
select is((select p.day from telemetry.partitions() p where p.name = 'reading_' || to_char(telemetry.today() + 20, 'YYYYMMDD')), telemetry.today() + 20, 'it is listed');
select isnt(obj_description(format('telemetry.reading_%s', to_char(telemetry.today() + 20, 'YYYYMMDD'))::regclass), null, 'and explains itself');
select is((select count(*) from pg_index i where i.indrelid = format('telemetry.reading_%s', to_char(telemetry.today() + 20, 'YYYYMMDD'))::regclass), (select count(*) from pg_index i where i.indrelid = 'telemetry.reading'::regclass),
    'with the indexes of all days');
select throws_ok('select telemetry.make_partition(telemetry.today() + 20)', '42P07', null, 'a day is made once');

-- Devices that are seen.
insert into registry.area (code, kind, name_zh, name_en) values ('s1', 'subdistrict', '街', 'S');
insert into registry.compound (code, area_id, name_zh, name_en) select 'c1', id, '区', 'C' from registry.area;
insert into registry.building (code, compound_id, name_zh, name_en) select 'b1', id, '楼', 'B' from registry.compound;
insert into registry.lift (code, building_id, name_zh, name_en, stage) select 'l' || n, id, '梯', 'L', 'in_service' from registry.building, generate_series(1, 3) n;
insert into registry.device (device, area_id) select 'd' || n, id from registry.area, generate_series(1, 3) n;
create function pg_temp.lift(p_code text) returns bigint language sql as $$ select id from registry.lift where code = p_code $$;
select registry.bind_unit((select id from registry.device where device = v.device), v.unit::smallint, pg_temp.lift(v.lift)) from (values ('d1', 0, 'l1'), ('d1', 1, 'l2'), ('d2', 0, 'l3')) v (device, unit, lift);
create function pg_temp.seen(p_lifts text[]) returns text language plpgsql as $$
begin
    perform set_config('app.lifts', array(select pg_temp.lift(c) from unnest(p_lifts) c)::text, true);
    return (select string_agg(d, ' ' order by d) from unnest(telemetry.visible_devices()) d);
end $$;
select is(telemetry.visible_devices(), '{}', 'without a scope no device');
select is(pg_temp.seen('{l1}'), 'd1', 'the device of a lift');
select is(pg_temp.seen('{l1,l2}'), 'd1', 'of two lifts, named once');
select is(pg_temp.seen('{l2,l3}'), 'd1 d2', 'two devices');
select registry.replace_terminal(pg_temp.lift('l3'), 'd3', 0::smallint);
select is(pg_temp.seen('{l3}'), 'd2 d3', 'and one that spoke before');

-- What was written stays.
create function pg_temp.refused(p_sql text) returns text language plpgsql as $$
declare
    v_context text;
begin
    execute p_sql;
    return 'nothing';
exception when others then
    get stacked diagnostics v_context = pg_exception_context;
    return sqlstate || ' ' || sqlerrm || ', ' || regexp_replace(v_context, ' line .*', '');
end $$;
insert into pg_temp.alarm_in values (0, pg_temp.lift('l1'), 200, 1, 100, 1, pg_temp.at(1), pg_temp.at(1), 'a', 'b');
select is(pg_temp.land(), '0 0 1 0 0', 'an alarm to guard');
select is(pg_temp.refused(v.sql), format('42501 alert.%s is append-only, PL/pgSQL function alert.refuse_change()', v.name), 'not even the owner can ' || v.sql)
from (values ('update alert.transition set comment = ''x''', 'transition'), ('delete from alert.transition', 'transition'), ('truncate alert.transition', 'transition'), ('delete from alert.alarm', 'alarm'),
    ('truncate alert.alarm, alert.transition', 'alarm')) v (sql, name);

select * from finish();
rollback;
