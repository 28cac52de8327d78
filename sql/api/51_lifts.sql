-- Operations that show lifts: overview, list, one lift, its readings. Row-level security decides what is there.

create or replace function api.flag(p_flags int, p_bit int) returns boolean
language sql immutable as $$
    select case when (p_flags >> (p_bit + 8)) & 1 = 1 then (p_flags >> p_bit) & 1 = 1 end
$$;
comment on function api.flag(int, int) is 'A bit of a reading''s flags; null when it isn''t known.';

create or replace function api.place_json(p_id bigint, p_code text, p_zh text, p_en text) returns json
language sql stable as $$
    select json_build_object('id', p_id, 'code', p_code, 'name_zh', p_zh, 'name_en', p_en)
$$;
comment on function api.place_json(bigint, text, text, text) is 'An area, compound, building or lift, as others refer to it.';

create or replace function api.overview(r api.request) returns api.response
language plpgsql stable as $$
declare
    a api.response;
    v_areas bigint[];
    v_count bigint;
    v_max constant int := 5000;
begin
    if r.query ? 'area' then
        v_areas := registry.area_ids_within(array [r.query ->> 'area']);
    end if;
    select count(*) into v_count from api.lifts_within(v_areas);
    select 200, json_build_object('as_of', now(),
        'stages', (select json_object_agg(s.stage, coalesce(n.count, 0) order by s.ord)
            from unnest(array ['signed', 'to_start', 'under_construction', 'in_service', 'suspended', 'scrapped'])
                with ordinality s (stage, ord)
            left join (select l.stage, count(*) from api.lifts_within(v_areas) l group by l.stage) n using (stage)),
        'open_alarms', (select json_build_object('1', count(*) filter (where priority = 1), '2', count(*) filter (where priority = 2),
                '3', count(*) filter (where priority = 3), '4', count(*) filter (where priority = 4))
            from api.open_alarms_within(v_areas)),
        'unacknowledged', (select count(*) from api.open_alarms_within(v_areas) o
            where o.state in ('unacknowledged', 'returned_unacknowledged')),
        'silent_lifts', (select count(*) from api.lifts_within(v_areas) l
            join telemetry.lift_now n on n.lift_id = l.id where n.silent and l.stage = 'in_service'),
        'truncated', v_count > v_max,
        'grids', case when v_count > v_max then '[]' else api.overview_tree(v_areas) end)
    into a.status, a.body;
    return a;
end
$$;
comment on function api.overview(api.request) is 'GET /overview: counts, and the tree of grids, compounds, buildings and lifts (left out beyond 5,000 lifts: name an area).';

create or replace function api.lifts_within(p_areas bigint[]) returns table (id bigint, code text, building_id bigint, stage text)
language sql stable as $$
    select l.id, l.code::text, l.building_id, l.stage
    from registry.lift l
    where p_areas is null or exists (
        select from registry.building b join registry.compound c on c.id = b.compound_id
        where b.id = l.building_id and (b.area_id = any (p_areas) or c.area_id = any (p_areas)))
$$;
comment on function api.lifts_within(bigint[]) is 'The lifts in these areas; all for null.';

create or replace function api.open_alarms_within(p_areas bigint[]) returns table (lift_id bigint, priority smallint, state text)
language sql stable as $$
    select a.lift_id, a.priority, a.state
    from alert.alarm a
    where a.state <> 'cleared' and (p_areas is null or a.lift_id in (select l.id from api.lifts_within(p_areas) l))
$$;
comment on function api.open_alarms_within(bigint[]) is 'The open alarms in these areas; all for null.';

-- A compound that lies in a micro-grid shows under its grid; one that lies directly in a subdistrict, under that.
create or replace function api.overview_tree(p_areas bigint[]) returns json
language plpgsql stable as $$
begin
    return (
    with open_alarm as (
        select o.lift_id, count(*) as open_alarms, min(o.priority) as worst
        from api.open_alarms_within(p_areas) o group by o.lift_id
    ), lift as (
        select l.building_id, json_agg(json_build_object('id', l.id, 'code', l.code, 'stage', l.stage, 'mode', n.mode,
            'last_at', n.filed_at, 'silent', coalesce(n.silent, false), 'open_alarms', coalesce(o.open_alarms, 0),
            'worst_priority', o.worst) order by l.code) as lifts
        from api.lifts_within(p_areas) l
        left join telemetry.lift_now n on n.lift_id = l.id
        left join open_alarm o on o.lift_id = l.id
        group by l.building_id
    ), building as (
        select b.compound_id, json_agg(json_build_object('id', b.id, 'name_zh', b.name_zh, 'name_en', b.name_en,
            'lifts', lift.lifts) order by b.code) as buildings
        from lift join registry.building b on b.id = lift.building_id
        group by b.compound_id
    ), compound as (
        select case a.kind when 'micro_grid' then a.parent_id else a.id end as grid_id,
            json_agg(json_build_object('id', c.id, 'name_zh', c.name_zh, 'name_en', c.name_en,
                'buildings', building.buildings) order by c.code) as compounds
        from building
        join registry.compound c on c.id = building.compound_id
        join registry.area a on a.id = c.area_id
        group by 1
    )
    select coalesce(json_agg(json_build_object('id', g.id, 'code', g.code, 'name_zh', g.name_zh, 'name_en', g.name_en,
        'compounds', compound.compounds) order by g.code), '[]')
    from compound join registry.area g on g.id = compound.grid_id);
end
$$;
comment on function api.overview_tree(bigint[]) is 'Grids, their compounds, their buildings, their lifts, as JSON.';

-- Everything a list of lifts shows, for the given lifts, in the given order.
create or replace function api.lift_items(p_ids bigint[]) returns json[]
language plpgsql stable as $$
begin
    return (
    select coalesce(array_agg(json_build_object(
        'id', l.id, 'code', l.code, 'name_zh', l.name_zh, 'name_en', l.name_en, 'stage', l.stage,
        'building', api.place_json(b.id, b.code, b.name_zh, b.name_en),
        'compound', api.place_json(c.id, c.code, c.name_zh, c.name_en),
        'area', api.place_json(ar.id, ar.code, ar.name_zh, ar.name_en),
        'mode', n.mode, 'motion', n.motion, 'floor', n.floor, 'last_at', n.filed_at, 'received_at', n.received_at,
        'silent', coalesce(n.silent, false), 'open_alarms', o.open_alarms, 'worst_priority', o.worst,
        -- Consoles keep this: while the database is away nobody could ask whom to call.
        'firm', f.firm) order by i.ord), '{}')
    from unnest(p_ids) with ordinality i (id, ord)
    join registry.lift l on l.id = i.id
    join registry.building b on b.id = l.building_id
    join registry.compound c on c.id = b.compound_id
    join registry.area ar on ar.id = coalesce(b.area_id, c.area_id)
    left join telemetry.lift_now n on n.lift_id = l.id
    cross join lateral (select count(*) as open_alarms, min(a.priority) as worst from alert.alarm a
                        where a.lift_id = l.id and a.state <> 'cleared') o
    left join lateral (select json_build_object('name_zh', p.name_zh, 'name_en', p.name_en, 'phone', p.phone) as firm
        from registry.responsibility x join registry.party p on p.id = x.party_id
        where x.lift_id = l.id and x.role = 'maintenance_firm'
          and x.from_on <= auth.today() and (x.to_on is null or x.to_on >= auth.today()) limit 1) f on true);
end
$$;
comment on function api.lift_items(bigint[]) is 'Lifts as a list shows them.';

create or replace function api.lifts(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'text');
    v_stage constant text := r.query ->> 'stage';
    v_q constant text := lower(r.query ->> 'q');
    v_areas bigint[];
    v_ids bigint[];
    v_codes text[];
begin
    if r.query ? 'area' then
        v_areas := registry.area_ids_within(array [r.query ->> 'area']);
    end if;
    select array_agg(x.id order by x.code), array_agg(x.code::text order by x.code) into v_ids, v_codes from (
        select l.id, l.code from registry.lift l
        join registry.building b on b.id = l.building_id
        join registry.compound c on c.id = b.compound_id
        where (v_after is null or l.code > v_after[1])
          and (v_stage is null or l.stage = v_stage)
          and (v_areas is null or b.area_id = any (v_areas) or c.area_id = any (v_areas))
          and (v_q is null or position(v_q in lower(concat_ws(chr(31), l.code, l.name_zh, l.name_en, b.name_zh, b.name_en,
                                                              c.name_zh, c.name_en, l.registration))) > 0)
        order by l.code limit v_limit + 1) x;
    return api.list(api.lift_items(v_ids), v_limit, api.cursor(v_codes[v_limit]));
end
$$;
comment on function api.lifts(api.request) is 'GET /lifts: by code.';

create or replace function api.lift(r api.request) returns api.response
language plpgsql stable as $$
declare
    a api.response;
    v_id constant bigint := r.id;
    v_item json := (api.lift_items(array [v_id]))[1];
begin
    if v_item is null then
        perform auth.problem(404, 'not_found', 'there is no such lift');
    end if;
    select 200, (v_item::jsonb || jsonb_build_object('floors', l.floors, 'rear_door', l.rear_door, 'model', l.model,
        'maker', l.maker, 'rated_load_kg', l.rated_load_kg, 'rated_speed_mm_s', l.rated_speed_mm_s,
        'in_service_on', l.in_service_on, 'last_inspection_on', l.last_inspection_on, 'registration', l.registration,
        'device', (select jsonb_build_object('device', d.device, 'unit', u.unit, 'epoch', u.epoch, 'online', p.online,
                'changed_at', p.changed_at)
            from registry.device_unit u join registry.device d on d.id = u.device_id
            left join telemetry.presence p on p.device = d.device
            where u.lift_id = l.id and u.to_at is null),
        'parties', (select coalesce(jsonb_agg(jsonb_build_object('role', x.role, 'name_zh', p.name_zh, 'name_en', p.name_en,
                'phone', p.phone, 'from_on', x.from_on, 'to_on', x.to_on) order by x.role), '[]')
            from registry.responsibility x join registry.party p on p.id = x.party_id
            where x.lift_id = l.id and x.from_on <= auth.today() and (x.to_on is null or x.to_on >= auth.today())),
        'now', api.now_json(l.id),
        'gaps_open', (select count(*) from telemetry.gap g where g.lift_id = l.id and g.ended_at is null),
        'alarms', to_jsonb(api.alarm_items(array(select x.id from alert.alarm x where x.lift_id = l.id
            order by x.raised_at desc, x.id desc limit 50)))))::json
    into a.status, a.body
    from registry.lift l where l.id = v_id;
    return a;
end
$$;
comment on function api.lift(api.request) is 'GET /lifts/{id}: everything about one lift.';

create or replace function api.now_json(p_lift bigint) returns jsonb
language plpgsql stable as $$
begin
    return (
    select jsonb_build_object('mode', n.mode, 'motion', n.motion, 'floor', n.floor,
        'in_door_zone', api.flag(n.flags, 0), 'front_door_closed', api.flag(n.flags, 1),
        'rear_door_closed', api.flag(n.flags, 2), 'occupied', api.flag(n.flags, 3), 'on_battery', api.flag(n.flags, 4),
        'codes', coalesce(n.codes, '{}'), 'energy_wh', n.energy, 'trips', n.trips, 'run_time_s', n.run_time,
        'door_cycles', n.door_cycles, 'load_kg', n.load, 'speed_mm_s', n.speed, 'vibration_mm_s2', n.vibration,
        'temperature_deci_c', n.temperature, 'ts', n.ts, 'received_at', n.received_at, 'clock_suspect', n.suspect)
    from telemetry.lift_now n where n.lift_id = p_lift);
end
$$;
comment on function api.now_json(bigint) is 'What is known of a lift right now; null when nothing was ever heard.';
