-- What is said on the channel liftd, heard by another connection: nothing before the commit, one notice for each alarm,
-- device and session, one for all when there are more than 200.
create extension dblink schema tap;
select plan(21);
select dblink_connect('ear', format('host=%s dbname=%s user=postgres', current_setting('unix_socket_directories'), current_database())),
    dblink_exec('ear', 'listen liftd') \gset ignored_

-- What was heard since last time, a line each. A connection passes on what waits for it before it answers that it is
-- ready again, so it is made to answer first.
create function public.heard() returns text language plpgsql as $$
begin
    perform dblink_exec('ear', 'set application_name = ear');
    return (select coalesce(string_agg(n.extra, E'\n' order by o), '') from dblink_get_notify('ear') with ordinality n (notify_name, be_pid, extra, o));
end
$$;
select telemetry.begin_session() \gset ignored_

begin;
select telemetry.notify('{"topic":"land"}');
select is(heard(), '', 'nothing before the commit');
commit;
select is(heard(), '{"topic":"land"}', 'the notice, as it was given');
begin;
select telemetry.notify('{"topic":"land"}');
rollback;
select is(heard(), '', 'nothing of what was rolled back');

-- Alarms.
insert into registry.area (code, kind, name_zh, name_en) values ('s1', 'subdistrict', '街', 'S');
insert into registry.compound (code, area_id, name_zh, name_en) select 'c1', id, '区', 'C' from registry.area;
insert into registry.building (code, compound_id, name_zh, name_en) select 'b1', id, '楼', 'B' from registry.compound;
insert into registry.lift (code, building_id, name_zh, name_en, stage) select 'l' || n, id, '梯', 'L', 'in_service' from registry.building, generate_series(1, 201) n;
select heard() as before \gset ignored_
insert into alert.alarm (lift_id, code, priority, raised_at, state, confidence, rule_version, text_zh, text_en, origin)
select l.id, 42, 3, now() - interval '1 hour', 'unacknowledged', 90, 1, '', '', case when l.code = 'l3' then 'history' else 'live' end from registry.lift l order by l.id;
select is(heard(), '', 'the table says nothing by itself');
select alert.announce(array(select a.id from alert.alarm a join registry.lift l on l.id = a.lift_id where l.code in ('l1', 'l2', 'l3') order by a.id desc));
select is(heard(), (select string_agg(format('{"topic" : "alarm", "id" : %s, "lift_id" : %s, "code" : 42, "priority" : 3, "state" : "unacknowledged"}', a.id, a.lift_id), E'\n' order by a.id)
    from alert.alarm a join registry.lift l on l.id = a.lift_id where l.code in ('l1', 'l2')), 'a notice an alarm in order, none of an imported history');
select alert.announce('{}'), alert.announce(null), alert.announce('{-1}');
select is(heard(), '', 'of no alarm nothing');
select alert.announce(array(select a.id from alert.alarm a order by a.id limit 200));
select is(regexp_count(heard(), '"topic" : "alarm"'), 199, 'two hundred one by one, the history left out');
select alert.announce(array(select a.id from alert.alarm a));
select is(heard(), '{"topic":"alarms"}', 'more with one notice');

-- Presence: changes only.
begin;
insert into pg_temp.presence_in select 's1', d, true, now() from unnest(array ['d2', 'd1']) d;
select telemetry.land_presence();
commit;
select is(heard(), E'{"topic" : "presence", "device" : "d1"}\n{"topic" : "presence", "device" : "d2"}', 'a notice a device');
begin;
insert into pg_temp.presence_in values ('s1', 'd1', true, now()), ('s1', 'd2', false, now() - interval '1 hour');
select telemetry.land_presence();
commit;
select is(heard(), '', 'none for what was known or is old');
begin;
insert into pg_temp.presence_in values ('s1', 'd1', false, now()), ('s1', 'd2', true, now());
select telemetry.land_presence();
commit;
select is(heard(), '{"topic" : "presence", "device" : "d1"}', 'one for what changed');
begin;
insert into pg_temp.presence_in select 's1', 'e' || n, true, now() from generate_series(1, 200) n;
select telemetry.land_presence();
commit;
select is(regexp_count(heard(), '"device"'), 200, 'two hundred one by one');
begin;
insert into pg_temp.presence_in select 's1', 'f' || n, true, now() from generate_series(1, 201) n;
select telemetry.land_presence();
commit;
select is(heard(), '{"topic":"presence"}', 'more with one notice');

-- Values, refusals, requests to land.
begin;
insert into pg_temp.now_in (lift_id, device, unit, boot, seq, ts, received_at, epoch, filed_at, suspect, silent) select n, 'd', 0, 1, 1, now(), now(), 1, now(), false, false from generate_series(1, 3) n;
select telemetry.land_now();
commit;
select is(heard(), '{"topic":"lifts"}', 'one notice for all values of a batch');
begin;
insert into pg_temp.refusal_in values ('lift/v1/s1/who/up', 'x', 'unknown_device', null, 's1', 'who', now()), ('lift/v1/s1/who/up', 'y', 'unknown_device', null, 's1', 'who', now());
select telemetry.land_refusals();
commit;
select is(heard(), '{"topic":"refusals"}', 'one for all refusals');
begin;
insert into pg_temp.relanded_in select id, 'landed' from telemetry.refusal;
select telemetry.land_relanded();
commit;
select is(heard(), '{"topic":"refusals"}', 'and for those that landed after all');
select heard() as before \gset ignored_

-- Sessions.
insert into auth.user_account (name, display_name, roles, password_hash) values ('zoe', 'Zoe', '{fund}', '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
insert into auth.session (token_hash, user_id, kind, expires_at, last_seen_at) select sha256(v.t::bytea), u.id, 'person', now() + interval '1 hour', now() - v.ago
from auth.user_account u, (values ('a', interval '1 minute'), ('b', '2 minutes'), ('c', '3 minutes')) v (t, ago);
create function public.session(p_token text) returns text language sql as $$ select format('{"topic" : "session", "hash" : "%s"}', encode(sha256(p_token::bytea), 'hex')) $$;
select is(heard(), '', 'opening one is nobody else''s business');
select auth.keep_newest_sessions(id, 'person', 2) from auth.user_account;
select is(heard(), session('c'), 'one that had to give way is named');
select auth.end_sessions(id, '{"language":"en"}') from auth.user_account;
select is(heard(), '', 'a change that ends nothing says nothing');
select auth.end_sessions(id, '{"roles":["auditor"]}') from auth.user_account;
select is((select string_agg(x, ' ' order by x) from string_to_table(heard(), E'\n') x) || (select count(*) from auth.session), (select string_agg(x, ' ' order by x) from unnest(array [session('a'), session('b')]) x) || 2,
    'other roles end the streams, not the sessions');
select auth.end_sessions(id, '{"disabled":true}') from auth.user_account;
select is(cardinality(string_to_array(heard(), E'\n')) - (select count(*) from auth.session), 2::bigint, 'disabling ends both');

select dblink_disconnect('ear') \gset ignored_
select * from finish();
