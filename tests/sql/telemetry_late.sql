-- Late readings: they land inside an open gap, once, and take themselves out of it.
begin;
\ir lib/landing.sql
select plan(40);

select is(pg_temp.land(), '0 0 0 0 0', 'an empty batch lands nothing');

-- In order.
select pg_temp.gap(1, 1, 5, 1, 9);
select is(pg_temp.land(), '0 0 0 0 0', 'a gap opens');
select is(pg_temp.open_gaps(1), '1.5-1.9', 'as it was said');
select pg_temp.late(1, 1, 5), pg_temp.late(1, 1, 6);
select is(pg_temp.land(), '2 0 0 0 0', 'its first readings land');
select is(pg_temp.open_gaps(1), '1.7-1.9', 'and shrink it from below');
select pg_temp.late(1, 1, 9);
select is(pg_temp.land(), '1 0 0 0 0', 'its last reading lands');
select is(pg_temp.open_gaps(1), '1.7-1.8', 'and shrinks it from above');
select pg_temp.late(1, 1, 5), pg_temp.late(1, 1, 9), pg_temp.late(1, 1, 4), pg_temp.late(1, 1, 10);
select is(pg_temp.land(), '0 4 0 0 0', 'what landed before, and what was never missing, are duplicates');
select pg_temp.late(1, 1, 7), pg_temp.late(1, 1, 8), pg_temp.late(1, 1, 7), pg_temp.late(1, 1, 8), pg_temp.late(1, 1, 8);
select is(pg_temp.land(), '2 3 0 0 0', 'copies within one batch land once');
select is(pg_temp.open_gaps(1), '', 'nothing is missing any more');
select is(pg_temp.ended_gaps(1), '1.7-1.8 filled', 'the gap is kept as filled');
select is(pg_temp.landed(1), '1.5 1.6 1.7 1.8 1.9', 'each reading once');
select pg_temp.late(1, 1, 7);
select is(pg_temp.land(), '0 1 0 0 0', 'a filled gap takes nothing more');

-- Split into many by one batch, rows in any order.
select pg_temp.gap(2, 1, 1, 1, 20);
select pg_temp.late(2, 1, s) from unnest(array [15, 3, 4, 11, 20, 8]) s;
select is(pg_temp.land(), '6 0 0 0 0', 'a gap and its readings may come in one batch');
select is(pg_temp.open_gaps(2), '1.1-1.2 1.5-1.7 1.9-1.10 1.12-1.14 1.16-1.19', 'single readings split it');
select is((select min(opened_at) = max(opened_at) from telemetry.gap where lift_id = 2), true, 'pieces keep when it was noticed');
select is((select from_ts from telemetry.gap where lift_id = 2 and from_seq = 5), pg_temp.at(104), 'a piece begins after the reading before it');
select is((select to_ts from telemetry.gap where lift_id = 2 and from_seq = 5), pg_temp.at(108), 'and ends before the reading after it');
select is((select from_ts from telemetry.gap where lift_id = 2 and from_seq = 1), pg_temp.at(0), 'the outer ends keep theirs');
select is((select to_ts from telemetry.gap where lift_id = 2 and to_seq = 19), pg_temp.at(120), 'up to what landed');
select pg_temp.late(2, 1, s) from unnest(array [1, 2, 6, 9, 10, 13, 16, 17, 18, 19]) s;
select is(pg_temp.land(), '10 0 0 0 0', 'several pieces at once');
select is(pg_temp.open_gaps(2), '1.5-1.5 1.7-1.7 1.12-1.12 1.14-1.14', 'each shrinks on its own');

-- Across boots: how many readings an ended boot had is not known.
select pg_temp.gap(3, 1, 5, 4, 2);
select pg_temp.late(3, 1, 5), pg_temp.late(3, 1, 6), pg_temp.late(3, 2, 1), pg_temp.late(3, 4, 1);
select is(pg_temp.land(), '4 0 0 0 0', 'a gap over boots takes readings of each');
select is(pg_temp.open_gaps(3), '1.7-2.0 2.2-4.0 4.2-4.2', 'and keeps open ends');
select pg_temp.late(3, 1, 1000), pg_temp.late(3, 3, 50), pg_temp.late(3, 4, 3);
select is(pg_temp.land(), '2 1 0 0 0', 'any number of an ended boot may still come');
select is(pg_temp.open_gaps(3), '1.7-1.999 1.1001-2.0 2.2-3.49 3.51-4.0 4.2-4.2', 'and splits its stretch');

-- A new lift: everything before its first reading is missing.
select pg_temp.gap(4, 0, 1, 7, 0);
select is(pg_temp.land(), '0 0 0 0 0', 'a gap from the very beginning');
select pg_temp.late(4, 6, 1), pg_temp.late(4, 0, 1);
select is(pg_temp.land(), '2 0 0 0 0', 'takes what comes');
select is(pg_temp.open_gaps(4), '0.2-6.0 6.2-7.0', 'from both ends');
select pg_temp.gap(5, 0, 1, 0, 0);
select is(pg_temp.land(), '0 0 0 0 0', 'nothing before the very first position');
select is(pg_temp.open_gaps(5), '', 'is no gap');

-- Lifts and epochs don't touch each other.
select pg_temp.gap(6, 1, 1, 1, 3, 1), pg_temp.gap(6, 1, 1, 1, 3, 2), pg_temp.gap(7, 1, 1, 1, 3, 1);
select pg_temp.late(6, 1, 2, 2), pg_temp.late(7, 1, 1), pg_temp.late(8, 1, 2);
select is(pg_temp.land(), '2 1 0 0 0', 'readings of several lifts');
select is(pg_temp.open_gaps(6, 1) || '|' || pg_temp.open_gaps(6, 2) || '|' || pg_temp.open_gaps(7), '1.1-1.3|1.1-1.1 1.3-1.3|1.2-1.3',
    'land in the gap of their own lift and terminal');

-- Large numbers, a whole message of readings, whole rows.
select pg_temp.gap(9, 4294967295, 1, 4294967295, 9223372036854775806);
insert into pg_temp.late_in (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect)
select 9, 'dev', 255, 4294967295, 9223372036854775806, now(), now(), 1, now(), true;
select is(pg_temp.land(), '1 0 0 0 0', 'the largest numbers there are');
select is(pg_temp.open_gaps(9), '4294967295.1-4294967295.9223372036854775805', 'are a position like others');
select pg_temp.gap(10, 1, 1, 1, 3000);
insert into pg_temp.late_in
select 10, 'dev', 3, 1, s, pg_temp.at(s), now(), 1, 0, -2, 257, '{1,40}', 10, 11, 12, 13, 14, -15, 16, 17, 18, 1, pg_temp.at(s), false
from generate_series(1, 3000) s where s % 3 <> 0;
select is(pg_temp.land(), '2000 0 0 0 0', 'thousands at once');
select is((select count(*) from telemetry.gap where lift_id = 10 and ended_at is null and from_seq = to_seq and from_seq % 3 = 0), 1000::bigint,
    'leave exactly what is missing');
select is((select row (device, unit, mode, motion, floor, flags, codes, energy, trips, run_time, door_cycles, load, speed, vibration, temperature, heard, epoch, suspect)::text
    from telemetry.reading where lift_id = 10 and seq = 1), '(dev,3,1,0,-2,257,"{1,40}",10,11,12,13,14,-15,16,17,18,1,f)', 'with all their values');
select is((select count(*) from telemetry.reading_default), 0::bigint, 'and none waits for a partition');
select throws_ok($$ insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq) values (6, 1, 1, 1, 1, 2) $$,
    '23505', null, 'two open gaps can''t begin at one position');

select * from finish();
rollback;
