-- The catalog, part two: the operations. A new operation is a row here and a function of its name; rights, checks,
-- openapi.json and the tests of both follow from the row.

create or replace function api.paging() returns jsonb
language sql immutable as $$
    select '{"limit":{"type":"integer","minimum":1,"maximum":10000,"default":50,"description":"Most items of one page; at most 1000, in CSV 10000 (there also the default)."},
        "after":{"type":"string","maxLength":400,"description":"The next of the page before."},
        "format":{"type":"string","enum":["json","csv"],"default":"json"}}'::jsonb
$$;
comment on function api.paging() is 'Query parameters of every list.';

delete from api.operation;

-- Sessions and oneself.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer, problems, audited)
values ('session_open', 'POST', '/api/v1/session', 'session', null,
    '登录',
    'Signs in; sets the session cookie',
    '{"type":"object","additionalProperties":false,"required":["name", "password"],"properties":{"name":{"type":"string","minLength":1,"maxLength":64}, "password":{"type":"string","minLength":1,"maxLength":256,"x-kept":true}}}',
    '{"$ref":"#/components/schemas/UserAnswer"}',
    '{401,429}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, status, audited)
values ('session_close', 'DELETE', '/api/v1/session', 'session', null,
    '退出',
    'Signs out',
    204,
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer, problems, audited)
values ('wallboard_open', 'POST', '/api/v1/session/wallboard', 'session', null,
    '打开大屏',
    'Opens a wall screen: the token of its address as bearer; sets the session cookie',
    '{"type":"object","additionalProperties":false,"properties":{}}',
    '{"$ref":"#/components/schemas/UserAnswer"}',
    '{401}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('me', 'GET', '/api/v1/me', 'session', '{dispatcher, planner, technician, fund, auditor, admin, wallboard}',
    '当前用户',
    'Who is signed in',
    '{"$ref":"#/components/schemas/Me"}');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer)
values ('me_change', 'PATCH', '/api/v1/me', 'session', '{dispatcher, planner, technician, fund, auditor, admin}',
    '更改界面语言',
    'Sets one''s own language',
    '{"type":"object","additionalProperties":false,"required":["language"],"properties":{"language":{"type":"string","enum":["zh","en"]}}}',
    '{"$ref":"#/components/schemas/Me"}');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, problems, audited)
values ('me_password', 'POST', '/api/v1/me/password', 'session', '{dispatcher, planner, technician, fund, auditor, admin}',
    '更改密码',
    'Sets one''s own password; ends one''s other sessions',
    '{"type":"object","additionalProperties":false,"required":["password", "new_password"],"properties":{"password":{"type":"string","minLength":1,"maxLength":256,"x-kept":true}, "new_password":{"type":"string","minLength":10,"maxLength":256,"x-kept":true}}}',
    204,
    '{429}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en)
values ('events', 'GET', '/api/v1/events', 'session', '{dispatcher, planner, technician, fund, auditor, admin, wallboard}',
    '事件流',
    'Server-sent events: alarm, alarms, lifts, refusals, presence, status, provisional, beat');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('openapi', 'GET', '/api/v1/openapi.json', 'session', null,
    '接口说明',
    'This API, described',
    '{"type":"object"}');

-- Lifts.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer)
values ('overview', 'GET', '/api/v1/overview', 'lifts', '{dispatcher, planner, technician, fund, auditor, admin, wallboard}',
    '总览',
    'Counts, and the tree of grids, compounds, buildings and lifts',
    '{"area":{"type":"string","pattern":"^[A-Za-z0-9_-]{1,40}$","description":"Code of an area; what lies below it counts too."}}',
    '{"$ref":"#/components/schemas/Overview"}');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('lifts', 'GET', '/api/v1/lifts', 'lifts', '{dispatcher, planner, technician, fund, auditor, admin, wallboard}',
    '电梯列表',
    'Lifts by code',
    api.paging() || '{"stage":{"type":"string","enum":["signed","to_start","under_construction","in_service","suspended","scrapped"]},"area":{"type":"string","pattern":"^[A-Za-z0-9_-]{1,40}$","description":"Code of an area; what lies below it counts too."},
     "q":{"type":"string","minLength":1,"maxLength":60,"description":"Part of a code, name or registration number."}}',
    api.list_of('LiftItem'),
    '[["id","id"], ["code","code"], ["name_zh","name_zh"], ["name_en","name_en"], ["stage","stage"], ["area_code","area.code"], ["area_zh","area.name_zh"], ["compound_zh","compound.name_zh"], ["building_zh","building.name_zh"], ["mode","mode"], ["motion","motion"], ["floor","floor"], ["last_at","last_at"], ["received_at","received_at"], ["silent","silent"], ["open_alarms","open_alarms"], ["worst_priority","worst_priority"]]');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('lift', 'GET', '/api/v1/lifts/{id}', 'lifts', '{dispatcher, planner, technician, fund, auditor, admin, wallboard}',
    '电梯详情',
    'Everything about one lift',
    '{"$ref":"#/components/schemas/Lift"}');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('readings', 'GET', '/api/v1/lifts/{id}/readings', 'lifts', '{dispatcher, planner, technician, fund, auditor, admin}',
    '电梯读数',
    'Readings between two instants (by default the last day, at most 31 days), thinned to about so many points; raw=true and CSV give all, a page at a time',
    api.paging() || '{"from":{"type":"string","format":"date-time"},"to":{"type":"string","format":"date-time"},
     "points":{"type":"integer","minimum":10,"maximum":5000,"default":1000},"raw":{"type":"boolean","default":false}}',
    '{"$ref":"#/components/schemas/Readings"}',
    '[["at","at"], ["ts","ts"], ["received_at","received_at"], ["boot","boot"], ["seq","seq"], ["mode","mode"], ["motion","motion"], ["floor","floor"], ["flags","flags"], ["codes","codes"], ["energy_wh","energy_wh"], ["trips","trips"], ["run_time_s","run_time_s"], ["door_cycles","door_cycles"], ["load_kg","load_kg"], ["speed_mm_s","speed_mm_s"], ["vibration_mm_s2","vibration_mm_s2"], ["temperature_deci_c","temperature_deci_c"], ["clock_suspect","clock_suspect"]]');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, answer)
values ('lift_terminal', 'POST', '/api/v1/lifts/{id}/terminal', 'lifts', '{dispatcher, admin}',
    '更换采集终端',
    'A new terminal speaks for the lift from now on; its counting starts anew',
    '{"type":"object","additionalProperties":false,"required":["device"],"properties":{"device":{"type":"string","maxLength":40}, "unit":{"type":"integer","minimum":0,"maximum":255}}}',
    201,
    api.shape('epoch int'));

-- Alarms.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('alarms', 'GET', '/api/v1/alarms', 'alarms', '{dispatcher, planner, technician, fund, auditor, admin, wallboard}',
    '报警列表',
    'Open alarms, most urgent first; with state=all all of them, newest first',
    api.paging() || '{"state":{"type":"string","enum":["open","all"],"default":"open"},"priority":{"type":"integer","minimum":1,"maximum":4},
     "lift":{"type":"integer","minimum":1,"maximum":999999999999999999},"code":{"type":"integer","minimum":0,"maximum":65535}}',
    api.list_of('AlarmItem'),
    '[["id","id"], ["lift","lift.code"], ["lift_zh","lift.name_zh"], ["compound_zh","compound.name_zh"], ["building_zh","building.name_zh"], ["code","code"], ["name_zh","name_zh"], ["name_en","name_en"], ["priority","priority"], ["state","state"], ["confidence","confidence"], ["text_zh","text_zh"], ["text_en","text_en"], ["raised_at","raised_at"], ["recorded_at","recorded_at"], ["cleared_at","cleared_at"], ["acknowledged_at","acknowledged_at"], ["acknowledged_by","acknowledged_by"], ["repeats_24h","repeats_24h"], ["people_trapped","people_trapped"], ["firm_zh","firm.name_zh"]]');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('alarm', 'GET', '/api/v1/alarms/{id}', 'alarms', '{dispatcher, planner, technician, fund, auditor, admin, wallboard}',
    '报警详情',
    'One alarm with its history',
    '{"$ref":"#/components/schemas/Alarm"}');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer)
values ('alarm_acknowledge', 'POST', '/api/v1/alarms/{id}/acknowledge', 'alarms', '{dispatcher, admin}',
    '确认报警',
    'Somebody has seen it; again answers the first acknowledgement',
    '{"type":"object","additionalProperties":false,"properties":{"comment":{"type":["string","null"],"maxLength":4000}}}',
    '{"$ref":"#/components/schemas/Alarm"}');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer)
values ('alarm_comment', 'POST', '/api/v1/alarms/{id}/comment', 'alarms', '{dispatcher, planner, technician, admin}',
    '报警备注',
    'Writes down what somebody says about it',
    '{"type":"object","additionalProperties":false,"required":["comment"],"properties":{"comment":{"type":"string","minLength":1,"maxLength":4000}}}',
    '{"$ref":"#/components/schemas/Alarm"}');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('rules', 'GET', '/api/v1/rules', 'alarms', '{dispatcher, planner, technician, fund, auditor, admin, wallboard}',
    '报警规则',
    'The rules in force, and retired ones that old alarms refer to',
    api.paging(),
    api.list_of('Rule'),
    '[["code","code"], ["version","version"], ["priority","priority"], ["name_zh","name_zh"], ["name_en","name_en"], ["kind","kind"], ["hold_ms","hold_ms"], ["quiet_ms","quiet_ms"], ["suppressed_modes","suppressed_modes"], ["why_zh","why_zh"], ["why_en","why_en"], ["retired_at","retired_at"]]');

-- Devices and what could not land.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('refusals', 'GET', '/api/v1/refusals', 'devices', '{dispatcher, auditor, admin}',
    '被拒消息',
    'Messages that could not land, latest first',
    api.paging() || '{"reason":{"type":"string","maxLength":60},"device":{"type":"string","pattern":"^[A-Za-z0-9_-]{1,40}$","description":"Name of the device."},
     "state":{"type":"string","enum":["open","all"],"default":"open"}}',
    api.list_of('RefusalItem'),
    '[["id","id"], ["topic","topic"], ["reason","reason"], ["detail","detail"], ["area","area"], ["device","device"], ["first_at","first_at"], ["last_at","last_at"], ["times","times"], ["bytes","bytes"], ["request_at","request_at"], ["landed_at","landed_at"], ["outcome","outcome"]]');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, answer)
values ('refusal', 'GET', '/api/v1/refusals/{id}', 'devices', '{dispatcher, auditor, admin}',
    '被拒消息详情',
    'One refusal with its bytes',
    '{"$ref":"#/components/schemas/Refusal"}');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('unknown_devices', 'GET', '/api/v1/unknown-devices', 'devices', '{dispatcher, auditor, admin}',
    '未登记终端',
    'Devices whose messages wait because they, or their units, are not registered',
    api.paging(),
    api.list_of('UnknownDevice'),
    '[["area","area"], ["device","device"], ["first_at","first_at"], ["last_at","last_at"], ["messages","messages"], ["registered","registered"], ["requested","requested"]]');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, path_pattern, body, status, answer)
values ('unknown_device_land', 'POST', '/api/v1/unknown-devices/{device}/land', 'devices', '{dispatcher, admin}',
    '补录消息',
    'Asks liftd to land what waits, now that the device is registered',
    '^[A-Za-z0-9_-]{1,40}$',
    '{"type":"object","additionalProperties":false,"properties":{}}',
    202,
    api.shape('requested int'));

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('devices', 'GET', '/api/v1/devices', 'devices', '{dispatcher, planner, technician, auditor, admin}',
    '采集终端',
    'Devices by name',
    api.paging() || '{"device":{"type":"string","pattern":"^[A-Za-z0-9_-]{1,40}$","description":"Name of the device."}}',
    api.list_of('Device'),
    '[["id","id"], ["device","device"], ["area","area"], ["note","note"], ["created_at","created_at"], ["online","online"], ["changed_at","changed_at"], ["units","units"]]');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, answer)
values ('device_register', 'POST', '/api/v1/devices', 'devices', '{dispatcher, admin}',
    '登记终端',
    'Registers a device, or changes a known one, and binds its units to lifts',
    '{"type":"object","additionalProperties":false,"required":["device", "area"],"properties":{"device":{"type":"string","pattern":"^[A-Za-z0-9_-]{1,40}$"}, "area":{"type":"string","maxLength":40}, "note":{"type":["string","null"],"maxLength":1000}, "units":{"type":"array","maxItems":256,"items":{"type":"object","additionalProperties":false,"required":["lift_id"],"properties":{"unit":{"type":"integer","minimum":0,"maximum":255},"lift_id":{"type":"integer","minimum":1,"maximum":999999999999999999}}}}}}',
    201,
    '{"$ref":"#/components/schemas/Device"}');

-- The registry, as far as forms need it.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('areas', 'GET', '/api/v1/areas', 'registry', '{dispatcher, planner, technician, fund, auditor, admin}',
    '区域',
    'Areas by code',
    api.paging(),
    api.list_of('Area'),
    '[["id","id"], ["code","code"], ["kind","kind"], ["parent_id","parent_id"], ["name_zh","name_zh"], ["name_en","name_en"]]');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('parties', 'GET', '/api/v1/parties', 'registry', '{dispatcher, planner, technician, fund, auditor, admin}',
    '责任单位',
    'Parties by code',
    api.paging() || '{"kind":{"type":"string","enum":["use_manager","maintenance_firm","inspection_body","insurer","bank","station"]}}',
    api.list_of('Party'),
    '[["id","id"], ["code","code"], ["kind","kind"], ["name_zh","name_zh"], ["name_en","name_en"], ["phone","phone"]]');

-- Accounts.
insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('users', 'GET', '/api/v1/users', 'users', '{auditor, admin}',
    '账户列表',
    'Accounts by name',
    api.paging(),
    api.list_of('Account'),
    '[["id","id"], ["name","name"], ["display_name","display_name"], ["roles","roles"], ["language","language"], ["disabled","disabled"], ["created_at","created_at"], ["password_changed_at","password_changed_at"], ["areas","scope.areas"], ["firm","scope.firm"]]');

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, answer, audited)
values ('user_create', 'POST', '/api/v1/users', 'users', '{admin}',
    '新建账户',
    'Makes an account',
    '{"type":"object","additionalProperties":false,"required":["name", "display_name", "roles", "password"],"properties":{"name":{"type":"string","minLength":1,"maxLength":64}, "display_name":{"type":"string","minLength":1,"maxLength":100,"pattern":"^[^\\u0001-\\u001f\\u007f]+$","x-pattern":"must not contain control characters"}, "roles":{"type":"array","minItems":1,"maxItems":6,"uniqueItems":true,"items":{"type":"string","enum":["dispatcher","planner","technician","fund","auditor","admin"]}}, "password":{"type":"string","minLength":10,"maxLength":256,"x-kept":true}, "language":{"type":"string","enum":["zh","en"]}, "scope":{"type":"object","additionalProperties":false,"properties":{"areas":{"type":["array","null"],"maxItems":100,"uniqueItems":true,"items":{"type":"string","maxLength":40}},"firm":{"type":["string","null"],"maxLength":40}}}}}',
    201,
    '{"$ref":"#/components/schemas/Account"}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, answer, audited)
values ('user_change', 'PATCH', '/api/v1/users/{id}', 'users', '{admin}',
    '更改账户',
    'Changes an account; disabling it or setting its password ends its sessions',
    '{"type":"object","additionalProperties":false,"minProperties":1,"properties":{"display_name":{"type":"string","minLength":1,"maxLength":100,"pattern":"^[^\\u0001-\\u001f\\u007f]+$","x-pattern":"must not contain control characters"}, "language":{"type":"string","enum":["zh","en"]}, "roles":{"type":"array","minItems":1,"maxItems":6,"uniqueItems":true,"items":{"type":"string","enum":["dispatcher","planner","technician","fund","auditor","admin"]}}, "disabled":{"type":"boolean"}, "scope":{"type":"object","additionalProperties":false,"properties":{"areas":{"type":["array","null"],"maxItems":100,"uniqueItems":true,"items":{"type":"string","maxLength":40}},"firm":{"type":["string","null"],"maxLength":40}}}, "new_password":{"type":"string","minLength":10,"maxLength":256,"x-kept":true}}}',
    '{"$ref":"#/components/schemas/Account"}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, body, status, answer, audited)
values ('wallboard_create', 'POST', '/api/v1/wallboards', 'users', '{admin}',
    '新建大屏地址',
    'Makes a read-only address for a wall screen, told once in Location',
    '{"type":"object","additionalProperties":false,"required":["name", "display_name"],"properties":{"name":{"type":"string","minLength":1,"maxLength":64}, "display_name":{"type":"string","minLength":1,"maxLength":100,"pattern":"^[^\\u0001-\\u001f\\u007f]+$","x-pattern":"must not contain control characters"}, "areas":{"type":"array","maxItems":100,"uniqueItems":true,"items":{"type":"string","maxLength":40}}}}',
    201,
    '{"$ref":"#/components/schemas/Account"}',
    false);

insert into api.operation (id, method, template, room, roles, summary_zh, summary_en, parameters, answer, columns)
values ('audit', 'GET', '/api/v1/audit', 'users', '{auditor, admin}',
    '审计记录',
    'What people did, latest first',
    api.paging() || '{"user":{"type":"integer","minimum":1,"maximum":999999999999999999},"action":{"type":"string","maxLength":100}}',
    api.list_of('AuditEntry'),
    '[["id","id"], ["at","at"], ["user_id","user_id"], ["user_name","user_name"], ["remote","remote"], ["action","action"], ["object","object"], ["detail","detail"]]');
