-- Markers: of open gaps only what the device still holds stays open.
begin;
\ir lib/landing.sql
select plan(33);

-- A gap that stood before the batch: put it there in a batch of its own.
create function pg_temp.stands(p_lift bigint, fb bigint, fs bigint, tb bigint, ts bigint) returns void language plpgsql as $$
begin
    perform pg_temp.gap(p_lift, fb, fs, tb, ts);
    perform pg_temp.land();
end $$;

select pg_temp.stands(1, 1, 5, 1, 20);
select pg_temp.held(1, 1, 11, 30);
select is(pg_temp.land(), '0 0 0 0 0', 'a marker');
select is(pg_temp.open_gaps(1), '1.11-1.20', 'leaves open what the device holds');
select is(pg_temp.ended_gaps(1), '1.5-1.10 given_up', 'and gives up what lies below');
select pg_temp.late(1, 1, 10), pg_temp.late(1, 1, 11);
select is(pg_temp.land(), '1 1 0 0 0', 'what was given up lands no more');

select pg_temp.stands(2, 1, 5, 1, 20);
select pg_temp.held(2, 1, 8, 12);
select pg_temp.land();
select is(pg_temp.open_gaps(2), '1.8-1.12', 'a stretch in the middle stays');
select is(pg_temp.ended_gaps(2), '1.5-1.7 given_up 1.13-1.20 given_up', 'both sides of it are given up');

select pg_temp.stands(3, 1, 5, 1, 20), pg_temp.stands(3, 1, 30, 2, 4);
select pg_temp.held(3, null, null, null);
select is(pg_temp.land(), '0 0 0 0 0', 'a marker that holds nothing');
select is(pg_temp.open_gaps(3), '', 'leaves nothing open');
select is(pg_temp.ended_gaps(3), '1.5-1.20 given_up 1.30-2.4 given_up', 'and gives up everything, whole');

select pg_temp.stands(4, 1, 5, 4, 6);
select pg_temp.held(4, 1, 2, 9), pg_temp.held(4, 2, 1, 3), pg_temp.held(4, 4, 5, 40);
select pg_temp.land();
select is(pg_temp.open_gaps(4), '1.5-1.9 2.1-2.3 4.5-4.6', 'entries of several boots cut out their stretches');
select is(pg_temp.ended_gaps(4), '1.10-2.0 given_up 2.4-4.4 given_up', 'between them is given up, the rest of ended boots too');

select pg_temp.stands(5, 1, 5, 1, 8), pg_temp.stands(5, 1, 12, 1, 14), pg_temp.stands(5, 1, 20, 1, 21);
select pg_temp.held(5, 1, 7, 12);
select pg_temp.land();
select is(pg_temp.open_gaps(5), '1.7-1.8 1.12-1.12', 'one entry over several gaps');
select is(pg_temp.ended_gaps(5), '1.5-1.6 given_up 1.13-1.14 given_up 1.20-1.21 given_up', 'judges each');

select pg_temp.stands(6, 1, 5, 1, 8);
select pg_temp.held(6, 1, 1, 100);
select pg_temp.land();
select is(pg_temp.open_gaps(6), '1.5-1.8', 'a gap that is held whole stays');
select is((select count(*) from telemetry.gap where lift_id = 6), 1::bigint, 'as it is');
select pg_temp.held(6, 1, 90, 100);
select pg_temp.land();
select is(pg_temp.ended_gaps(6), '1.5-1.8 given_up', 'a device whose oldest stands above has lost it');

select pg_temp.stands(7, 1, 5, 1, 8), pg_temp.stands(8, 1, 5, 1, 8);
insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq) values (7, 2, 1, 5, 1, 8);
select pg_temp.held(7, null, null, null);
select pg_temp.land();
select is(pg_temp.open_gaps(7) || '|' || pg_temp.open_gaps(7, 2) || '|' || pg_temp.open_gaps(8), '|1.5-1.8|1.5-1.8', 'a marker speaks for its own lift and terminal');

-- One batch with more than one thing in it.
select pg_temp.stands(9, 1, 5, 1, 20);
select pg_temp.late(9, 1, 6), pg_temp.held(9, 1, 10, 12);
select is(pg_temp.land(), '1 0 0 0 0', 'a reading in hand lands though the marker beside it no longer holds it');
select is(pg_temp.open_gaps(9), '1.10-1.12', 'the rest is judged');
select is(pg_temp.ended_gaps(9), '1.5-1.5 given_up 1.7-1.9 given_up 1.13-1.20 given_up', 'around it');

select pg_temp.stands(10, 1, 5, 1, 20);
select pg_temp.held(10, 1, 5, 8), pg_temp.held(10, 1, 8, 11), pg_temp.held(10, 1, 15, 16), pg_temp.held(10, null, null, null);
select pg_temp.land();
select is(pg_temp.open_gaps(10), '1.5-1.11 1.15-1.16', 'several markers in one batch hold what any of them holds');

-- Gaps opened by the same batch: the marker may be older than they are.
select pg_temp.gap(11, 1, 5, 1, 20), pg_temp.held(11, 1, 8, 12);
select pg_temp.land();
select is(pg_temp.open_gaps(11), '1.8-1.12 1.13-1.20', 'above the newest it holds a marker says nothing about a new gap');
select is(pg_temp.ended_gaps(11), '1.5-1.7 given_up', 'below it does');
select pg_temp.gap(12, 1, 5, 1, 20), pg_temp.held(12, null, null, null);
select pg_temp.land();
select is(pg_temp.open_gaps(12), '1.5-1.20', 'holding nothing says nothing about a new gap');
select pg_temp.gap(13, 1, 5, 1, 20), pg_temp.held(13, 1, 1, 3);
select pg_temp.land();
select is(pg_temp.open_gaps(13), '1.5-1.20', 'nor does a store that ends before it');
select pg_temp.gap(14, 1, 5, 1, 20), pg_temp.held(14, 1, 3, 20);
select pg_temp.land();
select is(pg_temp.open_gaps(14), '1.5-1.20', 'a new gap that is held whole stays');
select pg_temp.gap(15, 1, 5, 2, 7), pg_temp.held(15, 1, 9, 10), pg_temp.held(15, 2, 3, 4), pg_temp.late(15, 1, 10), pg_temp.late(15, 2, 6);
select is(pg_temp.land(), '2 0 0 0 0', 'gap, late readings and marker in one batch');
select is(pg_temp.open_gaps(15), '1.9-1.9 2.3-2.4 2.5-2.5 2.7-2.7', 'leave what is held, and what came after');
select is(pg_temp.ended_gaps(15), '1.5-1.8 given_up 1.11-2.2 given_up', 'and give up the rest');

-- Odd entries.
select pg_temp.stands(16, 1, 5, 1, 20);
select pg_temp.held(16, 1, 9, 3), pg_temp.held(16, 1, 19, 9223372036854775807);
select lives_ok($$ select pg_temp.land() $$, 'an entry upside down and one without end');
select is(pg_temp.open_gaps(16), '1.19-1.20', 'hold nothing, and all from there');
select pg_temp.held(17, 1, 1, 5);
select is(pg_temp.land(), '0 0 0 0 0', 'a marker of a lift without gaps changes nothing');
select is((select count(*) from telemetry.gap where (from_boot, from_seq) > (to_boot, to_seq)), 0::bigint, 'no stretch is empty');

select * from finish();
rollback;
