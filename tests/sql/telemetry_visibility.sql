-- Who sees telemetry and alarms: the API's role within its caller's scope, the writer nothing, the web role nothing.
begin;
\ir lib/landing.sql
select plan(37);

insert into registry.area (code, kind, name_zh, name_en) values ('s1', 'subdistrict', '街', 'S');
insert into registry.compound (code, area_id, name_zh, name_en) select 'c1', id, '区', 'C' from registry.area;
insert into registry.building (code, compound_id, name_zh, name_en) select 'b1', id, '楼', 'B' from registry.compound;
insert into registry.lift (code, building_id, name_zh, name_en, stage) select 'l' || n, id, '梯', 'L', 'in_service' from registry.building, generate_series(1, 2) n;
insert into registry.device (device, area_id) select 'd' || n, id from registry.area, generate_series(1, 2) n;
select registry.bind_unit(d.id, 0::smallint, l.id) from registry.device d join registry.lift l on right(l.code, 1) = right(d.device, 1);
create function pg_temp.lift(p_code text) returns bigint language sql as $$ select id from registry.lift where code = p_code $$;

select pg_temp.gap(id, 1, 1, 1, 5) from registry.lift;
select pg_temp.late(id, 1, 2) from registry.lift;
insert into pg_temp.alarm_in select 0, id, 200, 1, 100, 1, pg_temp.at(1), pg_temp.at(1), 'a', 'b' from registry.lift;
insert into pg_temp.presence_in select 's1', device, true, now() from registry.device;
insert into pg_temp.refusal_in select 'lift/v1/s1/' || device || '/up', 'x', 'truncated', null, 's1', device, now() from registry.device;
insert into pg_temp.refusal_in values ('lift/v1/s1/who/up', 'x', 'unknown_device', null, 's1', 'who', now());
insert into pg_temp.now_in (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect, silent)
select id, 'd', 0, 1, 2, now(), now(), 1, now(), false, false from registry.lift;
select pg_temp.land();
insert into alert.rule (code, version, priority, name_zh, name_en, kind, hold_ms, quiet_ms, why_zh, why_en, loaded_at) values (200, 1, 1, 'a', 'b', 'derived', 0, 0, 'a', 'b', now());
grant execute on all functions in schema tap to public;
grant usage on schema tap to public;
do $$ begin execute format('grant usage on schema %I to public', pg_my_temp_schema()::regnamespace); end $$;

create function pg_temp.seen() returns text language sql as $$
    select concat_ws(' ', (select count(*) from telemetry.reading), (select count(*) from telemetry.gap), (select count(*) from telemetry.lift_now),
        (select count(*) from telemetry.presence), (select count(*) from telemetry.refusal), (select count(*) from alert.alarm),
        (select count(*) from alert.transition), (select count(*) from alert.rule), (select count(*) from alert.lifecycle))
$$;
create function pg_temp.scope(p_all text, p_lifts text) returns void language sql as $$
    select set_config('app.sees_all', p_all, true), set_config('app.lifts', p_lifts, true)
$$;
select set_config('test.l1', pg_temp.lift('l1')::text, true);

set local role liftd_api;
select is(pg_temp.seen(), '0 0 0 0 0 0 0 1 10', 'without a scope nothing but rules and the life-cycle is seen');
select pg_temp.scope('on', '');
select is(pg_temp.seen(), '2 4 2 2 3 2 2 1 10', 'who sees all sees all');
select pg_temp.scope('off', '{' || current_setting('test.l1') || '}');
select is(pg_temp.seen(), '1 2 1 1 1 1 1 1 10', 'who sees one lift sees what is its own');
select is((select string_agg(device, ' ') from telemetry.presence), 'd1', 'its device');
select is((select string_agg(device, ' ') from telemetry.refusal), 'd1', 'and what that was refused, not the unknown ones');
select is((select count(*) from alert.alarm where lift_id::text <> current_setting('test.l1')), 0::bigint, 'no alarm of others');
select throws_ok($$ insert into alert.alarm default values $$, '42501', null, 'the API makes no alarms');
select throws_ok($$ update alert.alarm set state = 'cleared' $$, '42501', null, 'nor changes them but through functions');
select throws_ok($$ insert into alert.transition default values $$, '42501', null, 'nor writes history');
select throws_ok($$ delete from telemetry.refusal $$, '42501', null, 'nor removes refusals');
select throws_ok($$ insert into telemetry.reading default values $$, '42501', null, 'nor adds readings');
select throws_ok($$ table telemetry.state_log $$, '42501', null, 'nor sees the writer''s memory');
select throws_ok($$ table meta.writer $$, '42501', null, 'nor the lease');
select throws_ok($$ select telemetry.land() $$, '42501', null, 'nor lands');
select throws_ok($$ select telemetry.drop_expired(1) $$, '42501', null, 'nor drops');
select throws_ok($$ select meta.take_lease('main', 'x') $$, '42501', null, 'nor writes in liftd''s place');
select throws_ok(format($$ table telemetry.reading_%s $$, to_char(now() at time zone 'Asia/Shanghai', 'YYYYMMDD')), '42501', null, 'a partition is no way round the policy');
select throws_ok($$ table telemetry.reading_default $$, '42501', null, 'nor the default partition');
reset role;

set local role liftd_ingest;
select throws_ok(format($$ table %s $$, t), '42501', null, 'the writer can''t read ' || t)
from unnest(array ['telemetry.reading', 'telemetry.gap', 'telemetry.refusal', 'telemetry.lift_now', 'telemetry.state_log', 'telemetry.presence', 'alert.alarm', 'meta.writer']) t;
select throws_ok($$ delete from telemetry.reading $$, '42501', null, 'nor remove readings');
select throws_ok($$ insert into telemetry.gap (lift_id) values (1) $$, '42501', null, 'nor make gaps but by landing');
select throws_ok($$ select alert.acknowledge(1, 1, '') $$, '42501', null, 'nor acknowledge');
select throws_ok($$ select telemetry.land_late() $$, '42501', null, 'nor land by halves');
select lives_ok($$ select telemetry.begin_session() $$, 'it may begin a session');
select lives_ok($$ select telemetry.land() $$, 'land');
select lives_ok($$ select telemetry.load_state(); select telemetry.routing(); select telemetry.resume('d1'); select telemetry.relanding(1) $$, 'and ask what it needs');
reset role;

set local role liftd_web;
select throws_ok($$ table telemetry.reading $$, '42501', null, 'the gateway''s login reads no readings');
select throws_ok($$ table alert.alarm $$, '42501', null, 'no alarms');
select throws_ok($$ select alert.acknowledge(1, 1, '') $$, '42501', null, 'and acknowledges nothing by itself');
select throws_ok($$ select telemetry.land() $$, '42501', null, 'nor lands');
reset role;

select * from finish();
rollback;
