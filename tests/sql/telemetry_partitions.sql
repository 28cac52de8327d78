-- Days of readings: made ahead of time, dropped past the retention, never in the way of a reading.
begin;
select plan(31);

create function pg_temp.day(p_offset int) returns date language sql as $$ select (now() at time zone 'Asia/Shanghai')::date + p_offset $$;
create function pg_temp.start(p_offset int) returns timestamptz language sql as $$ select pg_temp.day(p_offset)::timestamp at time zone 'Asia/Shanghai' $$;
create function pg_temp.file(p_at timestamptz) returns text language sql as $$
    insert into telemetry.reading (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect)
    values (1, 'd', 0, 1, 1, p_at, p_at, 1, p_at, false) returning tableoid::regclass::text
$$;
create function pg_temp.name(p_offset int) returns text language sql as $$ select 'telemetry.reading_' || to_char(pg_temp.day(p_offset), 'YYYYMMDD') $$;

select is((select row (p.*)::text from telemetry.ensure_partitions(3, 2) p), row (pg_temp.day(-3), pg_temp.day(2))::text, 'days from the retention to ahead');
select is((select string_agg(day::text, ' ' order by day) from telemetry.partitions()), (select string_agg(pg_temp.day(n)::text, ' ' order by n) from generate_series(-3, 2) n), 'each has its partition');
select is((select row (p.*)::text from telemetry.ensure_partitions(3, 2) p), row (pg_temp.day(-3), pg_temp.day(2))::text, 'asking again changes nothing');
select is((select count(*) from telemetry.partitions()), 6::bigint, 'they are there once');
select is(pg_temp.file(pg_temp.start(0)), pg_temp.name(0), 'a day begins at midnight in Shanghai');
select is(pg_temp.file(pg_temp.start(1) - interval '1 microsecond'), pg_temp.name(0), 'and ends at the next');
select is(pg_temp.file(pg_temp.start(-3)), pg_temp.name(-3), 'the oldest day is whole');
select is(pg_temp.file(pg_temp.start(3) - interval '1 microsecond'), pg_temp.name(2), 'so is the newest');
select is(pg_temp.file(pg_temp.start(3)), 'telemetry.reading_default', 'what has no day waits in the default partition');
select is(pg_temp.file(pg_temp.start(5)), 'telemetry.reading_default', 'however far away');
select telemetry.ensure_partitions(3, 4);
select is((select count(*) from telemetry.reading where tableoid = pg_temp.name(3)::regclass), 1::bigint, 'and moves when its day is made');
select is((select count(*) from telemetry.reading_default), 1::bigint, 'the rest waits on');
select is((select count(*) from telemetry.reading), 6::bigint, 'nothing is lost or doubled');
select is((select obj_description(pg_temp.name(1)::regclass)), 'Readings filed under ' || pg_temp.day(1) || ', Shanghai time.', 'a day says what it is');
select is((select count(*) from pg_inherits i join pg_index x on x.indrelid = i.inhrelid where i.inhparent = 'telemetry.reading'::regclass),
    (select count(*) from pg_inherits where inhparent = 'telemetry.reading'::regclass), 'every day has the index');
select is((select pg_get_userbyid(relowner) from pg_class where oid = pg_temp.name(1)::regclass)::text, 'liftd_owner', 'and belongs to the owner');
select is((select relacl from pg_class where oid = pg_temp.name(1)::regclass), null, 'and is granted to nobody');

-- Dropping.
select telemetry.ensure_partitions(8, 1);
select pg_temp.file(pg_temp.start(-7));
select pg_temp.file(pg_temp.start(-100));
select is(telemetry.drop_expired(5), 3, 'days past the retention go');
select is((select min(day) from telemetry.partitions()), pg_temp.day(-5), 'the retention stays');
select is((select min(filed_at) from telemetry.reading), pg_temp.start(-3), 'with their readings, and those that had no day');
select is(telemetry.drop_expired(5), 0, 'once');
select is((select count(*) from telemetry.partitions() where day > pg_temp.day(1)), 3::bigint, 'days ahead stay');
select throws_ok($$ select * from telemetry.ensure_partitions(-1, 2) $$, '22023', null, 'no negative retention');
select throws_ok($$ select * from telemetry.ensure_partitions(null, 2) $$, '22023', null, 'nor none');
select throws_ok($$ select telemetry.drop_expired(null) $$, '22023', null, 'dropping asks for one too');
select lives_ok($$ select telemetry.ensure_partitions(800, 1) $$, 'two years and more');
select is((select count(*) from telemetry.partitions()), 805::bigint, 'are as many days');

-- Old gaps.
insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq, opened_at, ended_at, outcome)
values (1, 1, 1, 1, 1, 2, now() - interval '11 days', null, null), (1, 1, 1, 5, 1, 6, now() - interval '9 days', null, null),
    (1, 1, 1, 7, 1, 8, now() - interval '30 days', now() - interval '12 days', 'filled'),
    (1, 1, 1, 9, 1, 9, now() - interval '30 days', now() - interval '2 days', 'filled');
select is((select row (g.*)::text from telemetry.age_gaps(10) g), '(1,1)', 'old gaps are given up, long ended ones forgotten');
select is((select string_agg(from_seq || coalesce(' ' || outcome, ''), ', ' order by from_seq) from telemetry.gap), '1 given_up, 5, 9 filled', 'those and no others');
select is((select row (g.*)::text from telemetry.age_gaps(10) g), '(0,0)', 'once');
select is((select count(*) from telemetry.gap where ended_at is not null and outcome is null), 0::bigint, 'an ended gap has an outcome');

select * from finish();
rollback;
