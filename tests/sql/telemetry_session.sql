-- What a writer starts from: its temporary tables, the state of lifts, routing, and where devices resume.
begin;
\ir lib/landing.sql
select plan(29);

-- The order of columns is a contract with binary COPY.
create function pg_temp.columns(p_table text) returns text language sql as $$
    select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum)
    from pg_attribute where attrelid = p_table::regclass and attnum > 0 and not attisdropped
$$;
select is(pg_temp.columns('pg_temp.late_in'), pg_temp.columns('telemetry.reading'), 'late_in is a reading');
select is(pg_temp.columns('telemetry.reading'), 'lift_id bigint, device text, unit smallint, boot bigint, seq bigint, ts timestamp with time zone, received_at timestamp with time zone, mode smallint, motion smallint, floor smallint, flags integer, codes integer[], energy bigint, trips bigint, run_time bigint, door_cycles bigint, load integer, speed integer, vibration integer, temperature integer, heard bigint, epoch integer, filed_at timestamp with time zone, suspect boolean', 'reading');
select is(pg_temp.columns('pg_temp.now_in'), pg_temp.columns('telemetry.reading') || ', silent boolean', 'now_in is a reading and silent');
select is(pg_temp.columns('telemetry.lift_now'), pg_temp.columns('pg_temp.now_in'), 'lift_now has the same columns');
select is(pg_temp.columns('telemetry.state_log'), 'generation smallint, lift_id bigint, epoch integer, boot bigint, seq bigint, batch bigint, state bytea', 'state_log');
select is(pg_temp.columns('pg_temp.gap_in'), 'lift_id bigint, epoch integer, from_boot bigint, from_seq bigint, to_boot bigint, to_seq bigint, from_ts timestamp with time zone, to_ts timestamp with time zone', 'gap_in');
select is(pg_temp.columns('pg_temp.marker_in'), 'lift_id bigint, epoch integer, boot bigint, oldest_seq bigint, last_seq bigint', 'marker_in');
select is(pg_temp.columns('pg_temp.alarm_in'), 'kind smallint, lift_id bigint, code integer, priority smallint, confidence smallint, rule_version integer, onset_at timestamp with time zone, at timestamp with time zone, text_zh text, text_en text', 'alarm_in');
select is(pg_temp.columns('pg_temp.refusal_in'), 'topic text, payload bytea, reason text, detail text, area text, device text, received_at timestamp with time zone', 'refusal_in');
select is(pg_temp.columns('pg_temp.relanded_in'), 'refusal_id bigint, outcome text', 'relanded_in');
select is(pg_temp.columns('pg_temp.presence_in'), 'area text, device text, online boolean, at timestamp with time zone', 'presence_in');
select lives_ok($$ select telemetry.begin_session() $$, 'a session may begin twice');

-- The newest memory of every lift.
insert into telemetry.state_log values
    (0, 1, 1, 1, 5, 1, 'a'), (0, 1, 1, 1, 9, 3, 'c'), (1, 1, 1, 1, 7, 2, 'b'), (0, 2, 4, 2, 1, 2, 'x'), (1, 3, 1, 1, 1, 3, 'y');
select results_eq($$ select lift_id, epoch, boot, seq, state from telemetry.load_state() order by 1 $$,
    $$ values (1::bigint, 1, 1::bigint, 9::bigint, 'c'::bytea), (2, 4, 2, 1, 'x'), (3, 1, 1, 1, 'y') $$, 'is loaded from both halves');
insert into telemetry.state_log values (1, 1, 1, 1, 9, 4, 'c'), (1, 2, 4, 2, 1, 4, 'x');
select lives_ok($$ select telemetry.truncate_generation(0) $$, 'a half is emptied');
select results_eq($$ select lift_id, state from telemetry.load_state() order by 1 $$, $$ values (1::bigint, 'c'::bytea), (2, 'x'), (3, 'y') $$,
    'what was carried stays');
select is((select count(*) from telemetry.state_log where generation = 0), 0::bigint, 'the half is empty');
insert into telemetry.state_log select 0, lift_id, epoch, boot, seq, 5, state from telemetry.load_state();
select lives_ok($$ select telemetry.truncate_generation(1) $$, 'and back');
select is((select string_agg(format('%s:%s:%s', generation, lift_id, batch), ' ' order by lift_id) from telemetry.state_log), '0:1:5 0:2:5 0:3:5', 'with one row a lift');
select throws_ok($$ select telemetry.truncate_generation(2) $$, '22023', null, 'there are two halves');

-- Routing and resuming.
insert into registry.area (code, kind, name_zh, name_en) values ('s1', 'subdistrict', '街', 'S');
insert into registry.area (code, kind, parent_id, name_zh, name_en) select 'g1', 'grid', id, '格', 'G' from registry.area;
insert into registry.compound (code, area_id, name_zh, name_en) select 'c1', id, '区', 'C' from registry.area where code = 'g1';
insert into registry.building (code, compound_id, name_zh, name_en) select 'b1', id, '楼', 'B' from registry.compound;
insert into registry.lift (code, building_id, name_zh, name_en, stage) select 'l' || n, id, '梯', 'L', 'in_service' from registry.building, generate_series(1, 3) n;
insert into registry.device (device, area_id) select 'd' || n, id from registry.area, generate_series(1, 2) n where code = 'g1';
create function pg_temp.lift(p_code text) returns bigint language sql as $$ select id from registry.lift where code = p_code $$;
create function pg_temp.bind(p_lift text, p_device text, p_unit int) returns int language sql as $$
    select registry.bind_unit((select id from registry.device where device = p_device), p_unit::smallint, pg_temp.lift(p_lift))
$$;
select pg_temp.bind('l1', 'd1', 0), pg_temp.bind('l2', 'd1', 1), pg_temp.bind('l3', 'd2', 0);
select results_eq($$ select r.area, r.device, r.unit, l.code::text from telemetry.routing() r join registry.lift l on l.id = r.lift_id order by 2, 3 $$,
    $$ values ('g1', 'd1', 0::smallint, 'l1'), ('g1', 'd1', 1::smallint, 'l2'), ('g1', 'd2', 0::smallint, 'l3') $$, 'routing names every unit');
select is((select count(distinct epoch) from telemetry.routing()), 3::bigint, 'each with its own epoch');
select results_eq($$ select * from telemetry.resume('d1') $$, $$ values (0::smallint, null::bigint, null::bigint), (1::smallint, null, null) $$, 'nothing is missing');
select pg_temp.gap(pg_temp.lift('l1'), 0, 1, 3, 4, (select epoch from telemetry.routing() where device = 'd1' and unit = 0)),
    pg_temp.gap(pg_temp.lift('l2'), 2, 8, 2, 9, (select epoch from telemetry.routing() where device = 'd1' and unit = 1)),
    pg_temp.gap(pg_temp.lift('l2'), 2, 5, 2, 6, (select epoch from telemetry.routing() where device = 'd1' and unit = 1));
select pg_temp.land();
select results_eq($$ select * from telemetry.resume('d1') $$, $$ values (0::smallint, 0::bigint, 0::bigint), (1::smallint, 2, 4) $$, 'a unit resumes before its lowest open gap');
select pg_temp.held(pg_temp.lift('l1'), null, null, null, (select epoch from telemetry.routing() where device = 'd1' and unit = 0));
select pg_temp.land();
select results_eq($$ select * from telemetry.resume('d1') $$, $$ values (0::smallint, null::bigint, null::bigint), (1::smallint, 2, 4) $$, 'an ended gap is not waited for');
select is((select count(*) from telemetry.resume('nobody')), 0::bigint, 'an unknown device has no units');
select registry.replace_terminal(pg_temp.lift('l2'), 'd2', 5::smallint);
select is((select count(*) from telemetry.routing() where lift_id = pg_temp.lift('l2')), 1::bigint, 'a replaced terminal speaks alone');
select results_eq($$ select * from telemetry.resume('d1') $$, $$ values (0::smallint, null::bigint, null::bigint) $$, 'the old one no longer');
select results_eq($$ select * from telemetry.resume('d2') $$, $$ values (0::smallint, null::bigint, null::bigint), (5::smallint, null, null) $$, 'and it begins with nothing missing');
select is((select count(*) from telemetry.gap where lift_id = pg_temp.lift('l2') and ended_at is null), 2::bigint, 'gaps of the old terminal stay as they are');

select * from finish();
rollback;
