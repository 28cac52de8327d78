-- Refusals, landing them after all, presence, and the latest values of lifts.
begin;
\ir lib/landing.sql
select plan(38);

create function pg_temp.refuse(p_topic text, p_payload bytea, p_reason text, p_device text, p_minute int) returns void language sql as $$
    insert into pg_temp.refusal_in values (p_topic, p_payload, p_reason, null, 'g1', p_device, pg_temp.at(p_minute))
$$;
create function pg_temp.refusals() returns text language sql as $$
    select string_agg(format('%s %s %s×%s', topic, encode(payload, 'escape'), reason, times), ', ' order by id) from telemetry.refusal
$$;
create function pg_temp.id_of(p_payload bytea) returns bigint language sql as $$ select min(id) from telemetry.refusal where payload = p_payload $$;

select pg_temp.refuse('t1', 'a', 'truncated', 'd1', 3), pg_temp.refuse('t1', 'a', 'truncated', 'd1', 1), pg_temp.refuse('t1', 'b', 'truncated', 'd1', 2),
    pg_temp.refuse('t2', 'a', 'unknown_device', 'd2', 2);
select is(pg_temp.land(), '0 0 0 0 0', 'refusals land');
select set_eq($$ select topic, payload, reason, times from telemetry.refusal $$,
    $$ values ('t1', 'a'::bytea, 'truncated', 2::bigint), ('t1', 'b', 'truncated', 1), ('t2', 'a', 'unknown_device', 1) $$, 'the same bytes on one topic once');
select is((select row (first_at, last_at)::text from telemetry.refusal where topic = 't1' and payload = 'a'), row (pg_temp.at(1), pg_temp.at(3))::text, 'first and last arrival');
select is((select payload_sha256 from telemetry.refusal where payload = 'b'), sha256('b'), 'with their hash');
select pg_temp.refuse('t1', 'a', 'unknown_unit', 'd1', 9), pg_temp.refuse('t1', 'a', 'truncated', 'd1', 5);
select pg_temp.land();
select is((select row (reason, times, first_at, last_at)::text from telemetry.refusal where topic = 't1' and payload = 'a'),
    row ('unknown_unit', 4, pg_temp.at(1), pg_temp.at(9))::text, 'coming again they count up, with the newest reason');
select pg_temp.refuse(repeat('x', 20000), 'long', 'topic', null, 1);
select lives_ok($$ select pg_temp.land() $$, 'a topic may be longer than an index entry');
insert into pg_temp.refusal_in values ('t3', ''::bytea, 'empty', null, null, null, now());
select lives_ok($$ select pg_temp.land() $$, 'a message may be empty, its topic unread');

-- Asking for a landing.
select is(telemetry.request_landing('d1'), 1::bigint, 'what waits for a registration can be asked for');
select is(telemetry.request_landing('d2'), 1::bigint, 'device by device');
select is(telemetry.request_landing('nobody'), 0::bigint, 'others have nothing');
select results_eq($$ select refusal_id, topic, payload, received_at from telemetry.relanding(10) $$,
    $$ select id, topic, payload, first_at from telemetry.refusal where payload = 'a' order by id $$, 'liftd fetches them, oldest first');
select is((select count(*) from telemetry.relanding(1)), 1::bigint, 'as many as it asks for');
insert into pg_temp.relanded_in select id, 'landed' from telemetry.refusal where topic = 't2';
insert into pg_temp.relanded_in select id, 'unknown_unit' from telemetry.refusal where topic = 't1' and payload = 'a';
select pg_temp.land();
select is((select count(*) from telemetry.relanding(10)), 0::bigint, 'each is tried once');
select is((select row (outcome, landed_at is not null, request_at is not null)::text from telemetry.refusal where topic = 't2'), '(landed,t,t)', 'landed');
select is((select row (outcome, landed_at is not null, request_at is not null)::text from telemetry.refusal where topic = 't1' and payload = 'a'), '(unknown_unit,f,f)', 'or refused again, and waiting');
select is(telemetry.request_landing('d2'), 0::bigint, 'what landed isn''t asked for again');
select is(telemetry.request_landing('d1'), 1::bigint, 'what was refused again can be');
select is((select outcome from telemetry.refusal where topic = 't1' and payload = 'a'), null, 'and starts anew');
insert into pg_temp.relanded_in select id, 'unknown_unit' from telemetry.refusal where topic = 't1' and payload = 'a';
insert into pg_temp.relanded_in select id, 'landed' from telemetry.refusal where topic = 't1' and payload = 'a';
select pg_temp.land();
select is((select outcome from telemetry.refusal where topic = 't1' and payload = 'a'), 'landed', 'a message tried twice in one batch has landed if it did once');
select pg_temp.refuse('t2', 'a', 'unknown_device', 'd2', 20);
select pg_temp.land();
select is((select row (outcome, landed_at, request_at, times)::text from telemetry.refusal where topic = 't2'), '(,,,2)', 'refused again after it landed, it waits again');
insert into pg_temp.relanded_in values (-5, 'landed');
select lives_ok($$ select pg_temp.land() $$, 'a refusal that was trimmed meanwhile');

-- Age.
update telemetry.refusal set last_at = now() - interval '11 days' where topic = 't1';
select is(telemetry.trim_refusals(10), 2::bigint, 'refusals past the retention are forgotten');
select is((select count(*) from telemetry.refusal where topic = 't1'), 0::bigint, 'and no others');
select is(telemetry.trim_refusals(10), 0::bigint, 'once');

-- Presence.
insert into pg_temp.presence_in values ('g1', 'd1', true, pg_temp.at(1)), ('g1', 'd2', true, pg_temp.at(1)), ('g1', 'd1', false, pg_temp.at(2));
select pg_temp.land();
select results_eq($$ select device, online, changed_at from telemetry.presence order by 1 $$,
    $$ values ('d1', false, pg_temp.at(2)), ('d2', true, pg_temp.at(1)) $$, 'the last word of each device counts');
insert into pg_temp.presence_in values ('g1', 'd2', true, pg_temp.at(7)), ('g9', 'd1', true, pg_temp.at(8));
select pg_temp.land();
select results_eq($$ select area, device, online, changed_at, heard_at from telemetry.presence order by 2 $$,
    $$ values ('g9', 'd1', true, pg_temp.at(8), pg_temp.at(8)), ('g1', 'd2', true, pg_temp.at(1), pg_temp.at(7)) $$, 'saying it again changes only when it was heard');
insert into pg_temp.presence_in values ('g1', 'd3', false, pg_temp.at(1)), ('g1', 'd3', true, pg_temp.at(1));
select pg_temp.land();
select is((select online from telemetry.presence where device = 'd3'), true, 'of two words in one moment being there counts');
insert into pg_temp.presence_in values ('g1', 'd3', false, pg_temp.at(0));
select is(pg_temp.land(), '0 0 0 0 0', 'an older word, kept and landed afterwards');
select is((select row (online, heard_at)::text from telemetry.presence where device = 'd3'), row (true, pg_temp.at(1))::text, 'changes nothing');
insert into pg_temp.presence_in select 'g1', 'many' || n, true, now() from generate_series(1, 500) n;
select lives_ok($$ select pg_temp.land() $$, 'many at once');

-- The latest values.
insert into pg_temp.now_in (lift_id, device, unit, boot, seq, ts, received_at, mode, codes, load, epoch, filed_at, suspect, silent)
values (1, 'd1', 0, 1, 5, pg_temp.at(1), pg_temp.at(1), 1, '{7}', 75, 1, pg_temp.at(1), false, false),
    (2, 'd1', 1, 1, 5, pg_temp.at(1), pg_temp.at(1), null, null, null, 1, pg_temp.at(1), true, true);
select pg_temp.land();
select results_eq($$ select lift_id, unit, mode, codes, load, suspect, silent from telemetry.lift_now order by 1 $$,
    $$ values (1::bigint, 0::smallint, 1::smallint, '{7}'::int[], 75, false, false), (2, 1::smallint, null, null, null, true, true) $$, 'latest values land');
insert into pg_temp.now_in (lift_id, device, unit, boot, seq, ts, received_at, mode, codes, load, epoch, filed_at, suspect, silent)
values (1, 'd1', 0, 1, 7, pg_temp.at(3), pg_temp.at(3), 2, '{}', null, 1, pg_temp.at(3), false, true),
    (1, 'd1', 0, 1, 6, pg_temp.at(2), pg_temp.at(2), 1, '{9}', 75, 1, pg_temp.at(2), false, false);
select pg_temp.land();
select is((select row (seq, mode, codes, load, silent, received_at)::text from telemetry.lift_now where lift_id = 1), row (7, 2, '{}'::int[], null::int, true, pg_temp.at(3))::text,
    'over the ones before, the newest of a batch');
select is((select count(*) from telemetry.lift_now), 2::bigint, 'one row a lift');
insert into pg_temp.now_in (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect, silent)
select 1000 + n, 'd', 0, 1, 1, now(), now(), 1, now(), false, false from generate_series(1, 3000) n;
select lives_ok($$ select pg_temp.land() $$, 'thousands of lifts');
insert into pg_temp.now_in (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect, silent)
select 1000 + n, 'd', 0, 1, 2, now(), now(), 1, now(), false, false from generate_series(1, 3000) n;
select lives_ok($$ select pg_temp.land() $$, 'and again');
select is((select count(*) from telemetry.lift_now where seq = 2), 3000::bigint, 'all of them');
select is((select reloptions::text from pg_class where oid = 'telemetry.lift_now'::regclass), '{fillfactor=50}', 'with room in their pages');
select is((select count(*) from pg_index where indrelid = 'telemetry.lift_now'::regclass), 1::bigint, 'and no index but the key, so that updates stay there');

select * from finish();
rollback;
