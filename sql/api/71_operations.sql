-- The catalog, part two: the operations. A new operation is a row here and a function of its name; rights, checks,
-- openapi.json and the tests of all of it follow from the row.

create or replace function api.paging() returns jsonb
language sql immutable as $$
    select '{
        "limit":{"type":"integer","minimum":1,"maximum":10000,"default":50,
            "x-range":"must be from 1 to 1000, with format=csv from 1 to 10000",
            "description":"Most items of one page: 1 to 1000, 50 unless given; with format=csv 1 to 10000, 10000 unless given."},
        "after":{"type":"string","maxLength":400,"description":"The next of the page before."},
        "format":{"type":"string","enum":["json","csv"],"default":"json",
            "description":"csv sends the list as text/csv. Only this chooses; the header Accept is not looked at."}}'::jsonb
$$;
comment on function api.paging() is 'Query parameters of every list.';

create or replace function api.everyone() returns text[]
language sql immutable as $$
    select api.people() || text 'wallboard'
$$;
comment on function api.everyone() is 'All roles, wall screens included.';

create or replace function api.people() returns text[]
language sql immutable as $$
    select array ['dispatcher', 'planner', 'technician', 'fund', 'auditor', 'admin']
$$;
comment on function api.people() is 'All roles of people.';

delete from api.operation;

-- Sessions and oneself.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer, problems, audited)
values ('session_open', 'POST', '/api/v1/session', 'session', null,
    '登录', 'Signs in; sets the session cookie',
    api.shape('name AccountName, password Password'),
    api.ref('UserAnswer'),
    '{401,429}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, status, audited)
values ('session_close', 'DELETE', '/api/v1/session', 'session', null,
    '退出', 'Signs out',
    204,
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer, problems, audited)
values ('wallboard_open', 'POST', '/api/v1/session/wallboard', 'session', null,
    '打开大屏', 'Opens a wall screen: the token of its address as bearer; sets the session cookie',
    api.shape(''),
    api.ref('UserAnswer'),
    '{401}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('me', 'GET', '/api/v1/me', 'session', api.everyone(),
    '当前用户', 'Who is signed in',
    api.ref('Me'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer)
values ('me_change', 'PATCH', '/api/v1/me', 'session', api.people(),
    '更改界面语言', 'Sets one''s own language',
    api.shape('language Language'),
    api.ref('Me'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, problems, audited)
values ('me_password', 'POST', '/api/v1/me/password', 'session', api.people(),
    '更改密码', 'Sets one''s own password; ends one''s other sessions',
    api.shape('password Password, new_password NewPassword'),
    204,
    '{429}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en)
values ('events', 'GET', '/api/v1/events', 'session', api.everyone(),
    '事件流', 'Server-sent events: alarm, alarms, lifts, refusals, presence, status, provisional, beat');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('openapi', 'GET', '/api/v1/openapi.json', 'session', null,
    '接口说明', 'This API, described',
    '{"type":"object"}');

-- Lifts.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer)
values ('overview', 'GET', '/api/v1/overview', 'lifts', api.everyone(),
    '总览', 'Counts, and the tree of grids, compounds, buildings and lifts',
    '{"area":{"$ref":"#/components/schemas/Code","description":"An area, with what lies below it."}}',
    api.ref('Overview'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('lifts', 'GET', '/api/v1/lifts', 'lifts', api.everyone(),
    '电梯列表', 'Lifts by code',
    api.paging() || '{"stage":{"$ref":"#/components/schemas/Stage"},
        "area":{"$ref":"#/components/schemas/Code","description":"An area, with what lies below it."},
        "q":{"type":"string","minLength":1,"maxLength":60,"description":"Part of a code, name or registration number."}}',
    api.list_of('LiftItem'),
    api.columns_of('id, code, name_zh, name_en, stage, area_code=area.code, area_zh=area.name_zh,
        compound_zh=compound.name_zh, building_zh=building.name_zh, mode, motion, floor, last_at,
        received_at, silent, open_alarms, worst_priority'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('lift', 'GET', '/api/v1/lifts/{id}', 'lifts', api.everyone(),
    '电梯详情', 'Everything about one lift',
    api.ref('Lift'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('readings', 'GET', '/api/v1/lifts/{id}/readings', 'lifts', api.people(),
    '电梯读数',
    'Readings of a stretch of time (the last day, at most 31 days), thinned to so many points; raw=true and CSV give all',
    api.paging() || '{"from":{"type":"string","format":"date-time"},"to":{"type":"string","format":"date-time"},
        "points":{"type":"integer","minimum":10,"maximum":5000,"default":1000},"raw":{"type":"boolean","default":false}}',
    api.ref('Readings'),
    api.columns_of('at, ts, received_at, boot, seq, mode, motion, floor, flags, codes, energy_wh, trips, run_time_s,
        door_cycles, load_kg, speed_mm_s, vibration_mm_s2, temperature_deci_c, clock_suspect'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, answer)
values ('lift_terminal', 'POST', '/api/v1/lifts/{id}/terminal', 'lifts', '{dispatcher, admin}',
    '更换采集终端', 'A new terminal speaks for the lift from now on; its counting starts anew',
    api.shape('device Code, ?unit Unit'),
    201,
    api.shape('epoch int'));

-- Alarms.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('alarms', 'GET', '/api/v1/alarms', 'alarms', api.everyone(),
    '报警列表', 'Open alarms, most urgent first; with state=all all of them, newest first',
    api.paging() || '{"state":{"type":"string","enum":["open","all"],"default":"open"},
        "priority":{"type":"integer","minimum":1,"maximum":4},
        "lift":{"$ref":"#/components/schemas/Id"},"code":{"type":"integer","minimum":0,"maximum":65535}}',
    api.list_of('AlarmItem'),
    api.columns_of('id, lift=lift.code, lift_zh=lift.name_zh, compound_zh=compound.name_zh,
        building_zh=building.name_zh, code, name_zh, name_en, priority, state, confidence, text_zh,
        text_en, raised_at, recorded_at, cleared_at, acknowledged_at, acknowledged_by, repeats_24h,
        people_trapped, firm_zh=firm.name_zh'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('alarm', 'GET', '/api/v1/alarms/{id}', 'alarms', api.everyone(),
    '报警详情', 'One alarm with its history',
    api.ref('Alarm'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer)
values ('alarm_acknowledge', 'POST', '/api/v1/alarms/{id}/acknowledge', 'alarms', '{dispatcher, admin}',
    '确认报警', 'Somebody has seen it; again answers the first acknowledgement',
    api.shape('?comment OptionalComment'),
    api.ref('Alarm'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer)
values ('alarm_comment', 'POST', '/api/v1/alarms/{id}/comment', 'alarms', '{dispatcher, planner, technician, admin}',
    '报警备注', 'Writes down what somebody says about it',
    api.shape('comment Comment'),
    api.ref('Alarm'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('rules', 'GET', '/api/v1/rules', 'alarms', api.everyone(),
    '报警规则', 'The rules in force, and retired ones that old alarms refer to',
    api.paging(),
    api.list_of('Rule'),
    api.columns_of('code, version, priority, name_zh, name_en, kind, hold_ms, quiet_ms, suppressed_modes, why_zh,
        why_en, retired_at'));

-- Devices and what could not land.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('refusals', 'GET', '/api/v1/refusals', 'devices', '{dispatcher, auditor, admin}',
    '被拒消息', 'Messages that could not land, latest first',
    api.paging() || '{"reason":{"type":"string","maxLength":60},"device":{"$ref":"#/components/schemas/Code"},
        "state":{"type":"string","enum":["open","all"],"default":"open"}}',
    api.list_of('RefusalItem'),
    api.columns_of('id, topic, reason, detail, area, device, first_at, last_at, times, bytes, request_at, landed_at,
        outcome'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('refusal', 'GET', '/api/v1/refusals/{id}', 'devices', '{dispatcher, auditor, admin}',
    '被拒消息详情', 'One refusal with its bytes',
    api.ref('Refusal'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('unknown_devices', 'GET', '/api/v1/unknown-devices', 'devices', '{dispatcher, auditor, admin}',
    '未登记终端', 'Devices whose messages wait because they, or their units, are not registered',
    api.paging(),
    api.list_of('UnknownDevice'),
    api.columns_of('area, device, first_at, last_at, messages, registered, requested'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, path_pattern, body, status, answer)
values ('unknown_device_land', 'POST', '/api/v1/unknown-devices/{device}/land', 'devices', '{dispatcher, admin}',
    '补录消息', 'Asks liftd to land what waits, now that the device is registered',
    '^[A-Za-z0-9_-]{1,40}$',
    api.shape(''),
    202,
    api.shape('requested int'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('devices', 'GET', '/api/v1/devices', 'devices', '{dispatcher, planner, technician, auditor, admin}',
    '采集终端', 'Devices by name',
    api.paging() || '{"device":{"$ref":"#/components/schemas/Code"}}',
    api.list_of('Device'),
    api.columns_of('id, device, area, note, created_at, online, changed_at, units'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, answer)
values ('device_register', 'POST', '/api/v1/devices', 'devices', '{dispatcher, admin}',
    '登记终端', 'Registers a device, or changes a known one, and binds its units to lifts',
    api.shape('device Code, area Code, ?note Note, ?units DeviceUnits'),
    201,
    api.ref('Device'));

-- The registry, as far as forms need it.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('areas', 'GET', '/api/v1/areas', 'registry', api.people(),
    '区域', 'Areas by code',
    api.paging(),
    api.list_of('Area'),
    api.columns_of('id, code, kind, parent_id, name_zh, name_en'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('parties', 'GET', '/api/v1/parties', 'registry', api.people(),
    '责任单位', 'Parties by code',
    api.paging() || '{"kind":
        {"type":"string","enum":["use_manager","maintenance_firm","inspection_body","insurer","bank","station"]}}',
    api.list_of('Party'),
    api.columns_of('id, code, kind, name_zh, name_en, phone'));

-- Accounts.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('users', 'GET', '/api/v1/users', 'users', '{auditor, admin}',
    '账户列表', 'Accounts by name',
    api.paging(),
    api.list_of('Account'),
    api.columns_of('id, name, display_name, roles, language, disabled, created_at, password_changed_at,
        areas=scope.areas, firm=scope.firm'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, answer, audited)
values ('user_create', 'POST', '/api/v1/users', 'users', '{admin}',
    '新建账户', 'Makes an account',
    api.shape('name AccountName, display_name DisplayName, roles Roles, password NewPassword, ?language Language,
        ?scope ScopeWanted'),
    201,
    api.ref('Account'),
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer, audited)
values ('user_change', 'PATCH', '/api/v1/users/{id}', 'users', '{admin}',
    '更改账户', 'Changes an account; disabling it or setting its password ends its sessions',
    api.shape('?display_name DisplayName, ?language Language, ?roles Roles, ?disabled bool, ?scope ScopeWanted,
        ?new_password NewPassword')
        || '{"minProperties":1}',
    api.ref('Account'),
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, answer, audited)
values ('wallboard_create', 'POST', '/api/v1/wallboards', 'users', '{admin}',
    '新建大屏地址', 'Makes a read-only address for a wall screen, told once in Location',
    api.shape('name AccountName, display_name DisplayName, ?areas AreaCodes'),
    201,
    api.ref('Account'),
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('audit', 'GET', '/api/v1/audit', 'users', '{auditor, admin}',
    '审计记录', 'What people did, latest first',
    api.paging() || '{"user":{"$ref":"#/components/schemas/Id"},"action":{"type":"string","maxLength":100}}',
    api.list_of('AuditEntry'),
    api.columns_of('id, at, user_id, user_name, remote, action, object, detail'));
