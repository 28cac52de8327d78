-- Operations on devices and on what could not land: refusals, unknown devices, and landing them after all.

create or replace function api.refusal_json(f telemetry.refusal) returns jsonb
language sql stable as $$
    select jsonb_build_object('id', f.id, 'topic', f.topic, 'reason', f.reason, 'detail', f.detail, 'area', f.area,
        'device', f.device, 'first_at', f.first_at, 'last_at', f.last_at, 'times', f.times,
        'bytes', octet_length(f.payload), 'request_at', f.request_at, 'landed_at', f.landed_at, 'outcome', f.outcome)
$$;
comment on function api.refusal_json(telemetry.refusal) is 'A refusal as a list shows it, without its bytes.';

create or replace function api.refusals(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'timestamptz', 'bigint');
    v_rows telemetry.refusal[];
    v_last telemetry.refusal;
begin
    v_rows := array(select f from telemetry.refusal f
        where (v_after is null or (f.last_at, f.id) < (v_after[1]::timestamptz, v_after[2]::bigint))
          and (r.query ->> 'reason' is null or f.reason = r.query ->> 'reason')
          and (r.query ->> 'device' is null or f.device = r.query ->> 'device')
          and (r.query ->> 'state' = 'all' or f.landed_at is null)
        order by f.last_at desc, f.id desc limit v_limit + 1);
    v_last := v_rows[v_limit];
    return api.list(array(select api.refusal_json(v_rows[i])::json from generate_subscripts(v_rows, 1) i order by i),
        v_limit, api.cursor(v_last.last_at::text, v_last.id::text));
end
$$;
comment on function api.refusals(api.request) is 'GET /refusals: messages that could not land, latest first.';

create or replace function api.refusal(r api.request) returns api.response
language plpgsql stable as $$
declare
    a api.response;
begin
    select 200, (api.refusal_json(f) || jsonb_build_object('payload_hex', encode(f.payload, 'hex')))::json
    into a.status, a.body from telemetry.refusal f where f.id = r.id::bigint;
    if a.body is null then
        perform auth.problem(404, 'not_found', 'there is no such refusal');
    end if;
    return a;
end
$$;
comment on function api.refusal(api.request) is 'GET /refusals/{id}: one refusal with its bytes.';

create or replace function api.unknown_devices(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'text', 'text');
    v_items json[];
    v_last json;
begin
    v_items := array(select json_build_object('area', x.area, 'device', x.device, 'first_at', x.first_at, 'last_at', x.last_at,
            'messages', x.messages, 'registered', d.id is not null, 'requested', x.requested)
        from (select f.device, coalesce(f.area, '') as area, min(f.first_at) as first_at, max(f.last_at) as last_at,
                  count(*) as messages, count(f.request_at) as requested
              from telemetry.refusal f
              where f.reason in ('unknown_device', 'unknown_unit') and f.landed_at is null and f.device is not null
                and (v_after is null or (f.device, coalesce(f.area, '')) > (v_after[1], v_after[2]))
              group by f.device, coalesce(f.area, '') order by f.device, coalesce(f.area, '') limit v_limit + 1) x
        left join registry.device d on d.device = x.device
        order by x.device, x.area);
    v_last := v_items[v_limit];
    return api.list(v_items, v_limit, api.cursor(v_last ->> 'device', v_last ->> 'area'));
end
$$;
comment on function api.unknown_devices(api.request) is 'GET /unknown-devices: devices whose messages wait because they, or their units, are not registered.';

create or replace function api.unknown_device_land(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
begin
    if not exists (select from telemetry.refusal f where f.device = r.id and f.landed_at is null
                   and f.reason in ('unknown_device', 'unknown_unit')) then
        perform auth.problem(404, 'not_found', 'nothing of such a device waits');
    elsif not exists (select from registry.device d where d.device = r.id) then
        perform auth.problem(409, 'not_registered', 'register the device first');
    end if;
    a.status := 202;
    a.body := json_build_object('requested', telemetry.request_landing(r.id));
    return a;
end
$$;
comment on function api.unknown_device_land(api.request) is 'POST /unknown-devices/{device}/land: asks liftd to land what waits, now that the device is registered.';

create or replace function api.device_items(p_ids bigint[]) returns json[]
language plpgsql stable as $$
begin
    return (
    select coalesce(array_agg(json_build_object('id', d.id, 'device', d.device, 'area', ar.code, 'note', d.note,
        'created_at', d.created_at, 'online', p.online, 'changed_at', p.changed_at,
        'units', (select coalesce(json_agg(json_build_object('unit', u.unit, 'lift_id', u.lift_id, 'lift_code', l.code,
                'epoch', u.epoch, 'from_at', u.from_at) order by u.unit), '[]')
            from registry.device_unit u join registry.lift l on l.id = u.lift_id
            where u.device_id = d.id and u.to_at is null)) order by i.ord), '{}')
    from unnest(p_ids) with ordinality i (id, ord)
    join registry.device d on d.id = i.id
    join registry.area ar on ar.id = d.area_id
    left join telemetry.presence p on p.device = d.device);
end
$$;
comment on function api.device_items(bigint[]) is 'Devices with the lifts they speak for.';

create or replace function api.devices(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'text');
    v_ids bigint[];
    v_names text[];
begin
    select array_agg(x.id order by x.device), array_agg(x.device::text order by x.device) into v_ids, v_names from (
        select d.id, d.device from registry.device d
        where (v_after is null or d.device > v_after[1])
          and (r.query ->> 'device' is null or d.device = r.query ->> 'device')
        order by d.device limit v_limit + 1) x;
    return api.list(api.device_items(v_ids), v_limit, api.cursor(v_names[v_limit]));
end
$$;
comment on function api.devices(api.request) is 'GET /devices: by name.';

create or replace function api.device_register(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
    v_id bigint;
begin
    if not auth.sees_all() then
        perform auth.problem(403, 'forbidden', 'an account limited to areas or a firm can''t register devices');
    end if;
    v_id := registry.register_device(r.body ->> 'device', r.body ->> 'area', r.body ->> 'note', r.body -> 'units');
    a.status := 201;
    a.headers := jsonb_build_object('Location', '/api/v1/devices?device=' || (r.body ->> 'device'));
    a.body := (api.device_items(array [v_id]))[1];
    return a;
end
$$;
comment on function api.device_register(api.request) is 'POST /devices: registers a device, or changes a known one, and binds its units to lifts.';

create or replace function api.lift_terminal(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
begin
    if not auth.sees_all() then
        perform auth.problem(403, 'forbidden', 'an account limited to areas or a firm can''t replace terminals');
    end if;
    perform api.seen_lift(r.id::bigint);
    a.status := 201;
    a.body := json_build_object('epoch', registry.replace_terminal(r.id::bigint, r.body ->> 'device',
                                                                   coalesce((r.body ->> 'unit')::numeric::smallint, 0::smallint)));
    return a;
end
$$;
comment on function api.lift_terminal(api.request) is 'POST /lifts/{id}/terminal: a new terminal speaks for the lift from now on, and its counting starts anew.';

create or replace function api.areas(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'text');
    v_items json[];
begin
    v_items := array(select json_build_object('id', x.id, 'code', x.code, 'kind', x.kind, 'parent_id', x.parent_id,
            'name_zh', x.name_zh, 'name_en', x.name_en)
        from registry.area x where v_after is null or x.code > v_after[1] order by x.code limit v_limit + 1);
    return api.list(v_items, v_limit, api.cursor(v_items[v_limit] ->> 'code'));
end
$$;
comment on function api.areas(api.request) is 'GET /areas: by code.';

create or replace function api.parties(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'text');
    v_items json[];
begin
    v_items := array(select json_build_object('id', x.id, 'code', x.code, 'kind', x.kind, 'name_zh', x.name_zh,
            'name_en', x.name_en, 'phone', x.phone)
        from registry.party x where (v_after is null or x.code > v_after[1])
          and (r.query ->> 'kind' is null or x.kind = r.query ->> 'kind')
        order by x.code limit v_limit + 1);
    return api.list(v_items, v_limit, api.cursor(v_items[v_limit] ->> 'code'));
end
$$;
comment on function api.parties(api.request) is 'GET /parties: by code.';
