-- A small world for the tests of auth and api: two grids, two firms, five lifts, one account of every kind; and calls of
-- api.handle made exactly as the gateway makes them, as liftd_web.

insert into registry.area (code, kind, name_zh, name_en) values ('dpq', 'subdistrict', '街道', 'Subdistrict');
insert into registry.area (code, kind, parent_id, name_zh, name_en)
select v.code, 'grid', a.id, v.code, v.code from registry.area a, (values ('g1'), ('g2')) v (code) where a.code = 'dpq';
insert into registry.area (code, kind, parent_id, name_zh, name_en)
select 'm1', 'micro_grid', a.id, 'm1', 'm1' from registry.area a where a.code = 'g1';
insert into registry.compound (code, area_id, name_zh, name_en)
select v.code, a.id, '小区' || v.code, 'Compound ' || v.code
from (values ('c1', 'g1'), ('c2', 'g2'), ('c3', 'm1')) v (code, area) join registry.area a on a.code = v.area;
insert into registry.building (code, compound_id, name_zh, name_en)
select v.code, c.id, v.code || '号楼', 'Building ' || v.code
from (values ('b1', 'c1'), ('b2', 'c1'), ('b3', 'c2'), ('b4', 'c2'), ('b5', 'c3')) v (code, compound)
join registry.compound c on c.code = v.compound;
insert into registry.lift (code, building_id, name_zh, name_en, stage, model, maker, floors)
select v.code, b.id, v.code || '电梯', 'Lift ' || v.code, v.stage, 'M-1', 'Maker', 7
from (values ('L1', 'b1', 'in_service'), ('L2', 'b2', 'in_service'), ('L3', 'b3', 'in_service'), ('L4', 'b4', 'under_construction'),
             ('L5', 'b5', 'in_service')) v (code, building, stage)
join registry.building b on b.code = v.building;
insert into registry.household (building_id, door, floor) select b.id, '101', 1 from registry.building b;
insert into registry.party (code, kind, name_zh, name_en, phone) values
    ('fa', 'maintenance_firm', '甲维保', 'Firm A', '100'), ('fb', 'maintenance_firm', '乙维保', 'Firm B', '200'),
    ('um', 'use_manager', '使用管理', 'Use manager', '300');
-- L2 went from firm A to firm B today; A's last day was yesterday.
insert into registry.responsibility (lift_id, party_id, role, from_on, to_on)
select l.id, p.id, p.kind, v.from_on, v.to_on
from (values ('L1', 'fa', date '2020-01-01', null::date), ('L2', 'fa', date '2020-01-01', auth.today() - 1),
             ('L2', 'fb', auth.today(), null), ('L3', 'fb', date '2020-01-01', null), ('L1', 'um', date '2020-01-01', null),
             ('L5', 'fa', auth.today() + 1, null)) v (lift, party, from_on, to_on)
join registry.lift l on l.code = v.lift join registry.party p on p.code = v.party;
select count(registry.register_device('d-' || l.code, a.code, null, jsonb_build_array(jsonb_build_object('unit', 0, 'lift_id', l.id))))
from registry.lift l join registry.building b on b.id = l.building_id join registry.compound c on c.id = b.compound_id
join registry.area a on a.id = c.area_id where l.stage = 'in_service' \gset ignored_

insert into telemetry.reading (lift_id, device, unit, boot, seq, ts, received_at, mode, motion, floor, flags, codes, energy,
    load, speed, temperature, epoch, filed_at, suspect)
select l.id, 'd-' || l.code, 0, 1, n, t, t, 1, n % 3, 1 + n % 7, 7967, case when n % 50 = 0 then '{41}'::int[] else '{}' end,
    n, n % 600, (n % 3 - 1) * 1000, 200 + n % 90, 1, t, false
from registry.lift l, generate_series(1, 300) n
cross join lateral (select date_trunc('second', now()) - make_interval(mins => 300 - n) as t) x
where l.stage = 'in_service';
insert into telemetry.lift_now (lift_id, device, unit, boot, seq, ts, received_at, mode, motion, floor, flags, codes, energy,
    load, speed, temperature, epoch, filed_at, suspect, silent)
select r.lift_id, r.device, r.unit, r.boot, r.seq, r.ts, r.received_at, r.mode, r.motion, r.floor, r.flags, r.codes, r.energy,
    r.load, r.speed, r.temperature, r.epoch, r.filed_at, r.suspect, r.device = 'd-L3'
from telemetry.reading r where r.seq = 300;
insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts)
select l.id, 1, 1, 100, 1, 120, now() - interval '3 hours', now() - interval '2 hours' from registry.lift l where l.code in ('L1', 'L3');
insert into telemetry.presence (device, area, online, changed_at, heard_at)
select d.device, a.code, true, now(), now() from registry.device d join registry.area a on a.id = d.area_id;
insert into telemetry.refusal (topic, payload, payload_sha256, reason, area, device, first_at, last_at)
select 'lift/v1/' || v.area || '/' || v.device || '/up', v.payload, sha256(v.payload), v.reason, v.area, v.device, now(), now()
from (values ('g1', 'd-L1', 'bad_type', '\x01'::bytea), ('g2', 'd-L3', 'bad_type', '\x02'), ('g1', 'd-new', 'unknown_device', '\x03'),
             ('g1', 'd-new', 'unknown_device', '\x04'), ('g1', 'd-L1', 'unknown_unit', '\x05')) v (area, device, reason, payload);
insert into alert.rule (code, version, priority, name_zh, name_en, kind, hold_ms, quiet_ms, why_zh, why_en, loaded_at) values
    (200, 1, 1, '乘客被困', 'People trapped', 'derived', 90000, 0, '因', 'why', now()),
    (42, 1, 3, '停止服务', 'Out of service', 'reported', 0, 0, '因', 'why', now());
insert into alert.alarm (lift_id, code, priority, raised_at, state, confidence, rule_version, text_zh, text_en)
select l.id, v.code, v.priority, now() - v.age, 'unacknowledged', 90, 1, '=文字', 'text, "quoted"'
from (values ('L1', 200, 1, interval '1 minute'), ('L1', 42, 3, interval '2 hours'), ('L2', 42, 3, interval '3 hours'),
             ('L3', 200, 1, interval '4 minutes'), ('L3', 42, 3, interval '5 hours'), ('L5', 42, 3, interval '6 hours')) v (lift, code, priority, age)
join registry.lift l on l.code = v.lift;
insert into alert.transition (alarm_id, at, kind, from_state, to_state)
select a.id, a.raised_at, 'raise', 'none', a.state from alert.alarm a;

-- Accounts named for their role; planner and technician work for firm A; the others say what they are.
create function pg_temp.account(p_name text, p_role text, p_areas text[], p_firm text) returns bigint language sql as $$
    select auth.create_user(p_name, 'The ' || p_name, array [p_role], case when p_role <> 'wallboard' then
        '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' end,
        'en', p_areas, p_firm)
$$;
select count(pg_temp.account(v.name, v.role, v.areas, v.firm)) from (values
    ('admin', 'admin', null::text[], null), ('dispatcher', 'dispatcher', null, null), ('planner', 'planner', null, 'fa'),
    ('technician', 'technician', null, 'fa'), ('fund', 'fund', null, null), ('auditor', 'auditor', null, null),
    ('wallboard', 'wallboard', null, null), ('planner-b', 'planner', null, 'fb'), ('dispatcher-g1', 'dispatcher', array ['g1'], null),
    ('planner-a-g2', 'planner', array ['g2'], 'fa'), ('auditor-g2', 'auditor', array ['g2'], null)) v (name, role, areas, firm) \gset ignored_
insert into auth.session (token_hash, user_id, kind, expires_at)
select sha256(convert_to('token of ' || u.name, 'UTF8')), u.id, 'person', now() + interval '12 hours' from auth.user_account u;

create type pg_temp.answer as (status int, headers jsonb, body text);

-- One request, as the gateway makes it: as liftd_web, the token's hash, whatever was learned about a password.
create function pg_temp.call(p_user text, p_method text, p_path text, p_query jsonb default '{}', p_body jsonb default null,
    p_secret jsonb default null, p_fresh text default 'fresh', p_context jsonb default '{}') returns pg_temp.answer
language plpgsql as $$
declare
    a pg_temp.answer;
begin
    perform set_config('session_authorization', 'liftd_web', false);
    select * into a from api.handle(p_method, '/api/v1' || p_path, p_query, p_body, '{"remote":"192.0.2.1","user_agent":"test"}'::jsonb || p_context,
        sha256(convert_to('token of ' || p_user, 'UTF8')), sha256(convert_to('token of ' || p_fresh, 'UTF8')), p_secret);
    perform set_config('session_authorization', 'postgres', false);
    return a;
exception when others or query_canceled then
    perform set_config('session_authorization', 'postgres', false);
    raise;
end
$$;

create function pg_temp.lift(p_code text) returns bigint language sql as 'select id from registry.lift where code = p_code';

-- The codes of the lifts in an answer that lists them.
create function pg_temp.codes(a pg_temp.answer) returns text language sql as $$
    select coalesce(string_agg(x ->> 'code', ' ' order by x ->> 'code'), '') from jsonb_array_elements(a.body::jsonb -> 'items') x
$$;

-- The same, leaving no trace: for trying many things from one state.
create function pg_temp.attempt(p_user text, p_method text, p_path text, p_query jsonb default '{}', p_body jsonb default null,
    p_secret jsonb default null) returns pg_temp.answer
language plpgsql as $$
declare
    a pg_temp.answer;
begin
    a := pg_temp.call(p_user, p_method, p_path, p_query, p_body, p_secret);
    raise exception using errcode = 'RB000';
exception when sqlstate 'RB000' then
    return a;
end
$$;

-- A good request for every operation.
create table pg_temp.sample (id text primary key, path text, query jsonb, body jsonb, secret jsonb);
insert into pg_temp.sample (id, path, query, body, secret)
select v.id, v.path, coalesce(v.query::jsonb, '{}'), v.body::jsonb, v.secret::jsonb
from registry.lift l, alert.alarm a, telemetry.refusal f, auth.user_account u
cross join lateral (values
    ('session_open', '/session', null, '{"name":"fund","password":true}', '{"verified":true}'),
    ('session_close', '/session', null, null, null),
    ('wallboard_open', '/session/wallboard', null, '{}', null),
    ('me', '/me', null, null, null),
    ('me_change', '/me', null, '{"language":"zh"}', null),
    ('me_password', '/me/password', null, '{"password":true,"new_password":true}',
        '{"verified":true,"hash":"$argon2id$v=19$m=19456,t=2,p=1$BBBBBBBBBBBBBBBBBBBBBB$AAAAAAAAAAAAAAAA"}'),
    ('events', '/events', null, null, null),
    ('openapi', '/openapi.json', null, null, null),
    ('overview', '/overview', null, null, null),
    ('lifts', '/lifts', '{"limit":"2"}', null, null),
    ('lift', '/lifts/' || l.id, null, null, null),
    ('readings', '/lifts/' || l.id || '/readings', '{"points":"100"}', null, null),
    ('lift_terminal', '/lifts/' || l.id || '/terminal', null, '{"device":"d-L1"}', null),
    ('alarms', '/alarms', null, null, null),
    ('alarm', '/alarms/' || a.id, null, null, null),
    ('alarm_acknowledge', '/alarms/' || a.id || '/acknowledge', null, '{"comment":"seen"}', null),
    ('alarm_comment', '/alarms/' || a.id || '/comment', null, '{"comment":"said"}', null),
    ('rules', '/rules', null, null, null),
    ('refusals', '/refusals', null, null, null),
    ('refusal', '/refusals/' || f.id, null, null, null),
    ('unknown_devices', '/unknown-devices', null, null, null),
    ('unknown_device_land', '/unknown-devices/d-L1/land', null, '{}', null),
    ('devices', '/devices', null, null, null),
    ('device_register', '/devices', null, '{"device":"d-new","area":"g1"}', null),
    ('areas', '/areas', null, null, null),
    ('parties', '/parties', null, null, null),
    ('users', '/users', null, null, null),
    ('user_create', '/users', null, '{"name":"new","display_name":"New","roles":["fund"],"password":true}',
        '{"hash":"$argon2id$v=19$m=19456,t=2,p=1$BBBBBBBBBBBBBBBBBBBBBB$AAAAAAAAAAAAAAAA"}'),
    ('user_change', '/users/' || u.id, null, '{"display_name":"Renamed"}', null),
    ('wallboard_create', '/wallboards', null, '{"name":"hall","display_name":"Hall"}', null),
    ('audit', '/audit', null, null, null)) v (id, path, query, body, secret)
where l.code = 'L1' and a.lift_id = l.id and a.code = 200 and f.device = 'd-L1' and f.reason = 'bad_type' and u.name = 'fund';
