-- Late readings are judged afterwards: what waits, what the rules read, and what is recorded.
begin;
\ir lib/landing.sql
select plan(22);

create function pg_temp.ms(p_at timestamptz) returns bigint language sql as $$
    select floor(extract(epoch from p_at) * 1000)::bigint
$$;

-- What waits.
select is_empty('select * from telemetry.stretch_due(0, 600)', 'nothing waits at first');
select pg_temp.gap(1, 1, 5, 1, 9);
select pg_temp.late(1, 1, 5), pg_temp.late(1, 1, 7);
select is(pg_temp.land(), '2 0 0 0 0', 'two of five late readings land');
select results_eq('select lift_id, from_at, to_at from telemetry.stretch',
    $$ values (1::bigint, pg_temp.at(105), pg_temp.at(107)) $$, 'their stretch waits');
update telemetry.stretch set changed_at = now() - interval '11 s';
select is_empty('select * from telemetry.stretch_due(10, 600)', 'not while a gap lies in it');
select is((select count(*) from telemetry.stretch_due(10, 11)), 0::bigint, 'not before patience ends');
update telemetry.stretch set changed_at = now() - interval '601 s';
select is((select lift_id from telemetry.stretch_due(10, 600)), 1::bigint, 'a gap that stays open is not waited for for ever');
select pg_temp.late(1, 1, 6), pg_temp.late(1, 1, 8), pg_temp.late(1, 1, 9);
select is(pg_temp.land(), '3 0 0 0 0', 'the rest lands');
select results_eq('select from_at, to_at from telemetry.stretch', $$ values (pg_temp.at(105), pg_temp.at(109)) $$, 'the stretch grows');
select is_empty('select * from telemetry.stretch_due(10, 600)', 'and waits for quiet again');
update telemetry.stretch set changed_at = now() - interval '11 s';
select is_empty('select * from telemetry.stretch_due(10, 600)', 'nor before a reading follows it');
insert into telemetry.reading (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect)
values (1, 'd', 0, 1, 10, pg_temp.at(110), pg_temp.at(110), 1, pg_temp.at(110), false);
select results_eq('select lift_id, from_ms, to_ms from telemetry.stretch_due(10, 600)',
    $$ values (1::bigint, pg_temp.ms(pg_temp.at(105)), pg_temp.ms(pg_temp.at(109))) $$, 'quiet, without a gap and followed it is due');
select is(max(seq), 10::bigint, 'the rules read that one too')
from telemetry.stretch_readings(1, pg_temp.ms(pg_temp.at(0)), pg_temp.ms(pg_temp.at(109)), '');
delete from telemetry.reading where seq = 10 and lift_id = 1;

-- What the rules read.
select results_eq($$ select boot, seq, codes from telemetry.stretch_readings(1, pg_temp.ms(pg_temp.at(0)), pg_temp.ms(pg_temp.at(109)), '') $$,
    $$ select 1::bigint, s::bigint, array [7] from generate_series(5, 9) s $$, 'the readings in the order they were made');
select results_eq($$ select seq from telemetry.stretch_readings(1, pg_temp.ms(pg_temp.at(0)), pg_temp.ms(pg_temp.at(109)),
        (select cursor from telemetry.stretch_readings(1, pg_temp.ms(pg_temp.at(0)), pg_temp.ms(pg_temp.at(109)), '') where seq = 7)) $$,
    $$ values (8::bigint), (9) $$, 'and go on behind a cursor');
select is_empty($$ select * from telemetry.stretch_readings(2, 0, pg_temp.ms(pg_temp.at(109)), '') $$, 'of one lift only');

-- What is recorded.
create function pg_temp.found(p_code int, p_from int, p_to int) returns jsonb language sql as $$
    select jsonb_build_object('code', p_code, 'priority', 2, 'confidence', 100, 'rule_version', 1, 'onset_ms', pg_temp.ms(pg_temp.at(p_from)),
        'cleared_ms', pg_temp.ms(pg_temp.at(p_to)), 'text_zh', '关门故障', 'text_en', 'door')
$$;
insert into pg_temp.alarm_in values (0, 1, 3, 2, 100, 1, pg_temp.at(104), pg_temp.at(104), 'x', 'y');
select is(pg_temp.land(), '0 0 1 0 0', 'one rang live');
select is(alert.record_history(1, jsonb_build_array(pg_temp.found(2, 105, 107), pg_temp.found(3, 106, 108)),
    'another moment'), 1, 'what rang live is left out');
select results_eq($$ select code, state, origin, raised_at, cleared_at from alert.alarm where origin = 'history' $$,
    $$ values (2, 'cleared', 'history', pg_temp.at(105), pg_temp.at(107)) $$, 'the other is recorded as over');
select results_eq($$ select t.kind, t.from_state, t.to_state from alert.transition t join alert.alarm a on a.id = t.alarm_id where a.origin = 'history' $$,
    $$ values ('record', 'none', 'cleared') $$, 'with one line of history');
select is((select count(*) from telemetry.stretch), 1::bigint, 'a stretch that changed meanwhile stays');
select is(alert.record_history(1, jsonb_build_array(pg_temp.found(2, 105, 107)), (select changed_at::text from telemetry.stretch)), 0, 'recorded once');
select is_empty('select * from telemetry.stretch', 'and done');

select * from finish();
rollback;
