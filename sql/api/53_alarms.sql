-- Operations on alarms: the list people sit in front of, one alarm with its history, and what people do about it.

-- Everything a list of alarms shows, for the given alarms, in the given order.
create or replace function api.alarm_items(p_ids bigint[]) returns json[]
language plpgsql stable as $$
begin
    return (
    select coalesce(array_agg(json_build_object(
        'id', a.id, 'lift_id', a.lift_id,
        'lift', api.place_json(l.id, l.code, l.name_zh, l.name_en),
        'building', api.place_json(b.id, b.code, b.name_zh, b.name_en),
        'compound', api.place_json(c.id, c.code, c.name_zh, c.name_en),
        'stage', l.stage,
        'code', a.code, 'name_zh', coalesce(u.name_zh, a.code::text), 'name_en', coalesce(u.name_en, a.code::text),
        'priority', a.priority, 'state', a.state, 'confidence', a.confidence,
        'text_zh', a.text_zh, 'text_en', a.text_en, 'raised_at', a.raised_at, 'recorded_at', a.recorded_at,
        'cleared_at', a.cleared_at, 'acknowledged_at', a.acknowledged_at, 'acknowledged_by', a.acknowledged_by,
        'origin', a.origin,
        'repeats_24h', (select count(*) from alert.alarm x where x.lift_id = a.lift_id and x.code = a.code
            and x.raised_at > a.raised_at - interval '24 hours' and x.raised_at < a.raised_at),
        'last_reading_at', n.received_at, 'silent', coalesce(n.silent, false),
        -- 93 is the lift's own report of people shut in at a landing, 200 what the rules infer.
        'people_trapped', a.code in (93, 200),
        'firm', f.firm) order by i.ord), '{}')
    from unnest(p_ids) with ordinality i (id, ord)
    join alert.alarm a on a.id = i.id
    join registry.lift l on l.id = a.lift_id
    join registry.building b on b.id = l.building_id
    join registry.compound c on c.id = b.compound_id
    left join alert.rule u on u.code = a.code
    left join telemetry.lift_now n on n.lift_id = a.lift_id
    left join lateral (select json_build_object('name_zh', p.name_zh, 'name_en', p.name_en, 'phone', p.phone) as firm
        from registry.responsibility x join registry.party p on p.id = x.party_id
        where x.lift_id = a.lift_id and x.role = 'maintenance_firm'
          and x.from_on <= auth.today() and (x.to_on is null or x.to_on >= auth.today()) limit 1) f on true);
end
$$;
comment on function api.alarm_items(bigint[]) is 'Alarms as a list shows them.';

-- Open: most urgent first, then longest standing. All: newest first.
create or replace function api.alarms(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_open constant boolean := r.query ->> 'state' = 'open';
    v_after text[];
    v_sql text := 'select a.id from alert.alarm a where ';
    v_ids bigint[];
    v_last alert.alarm;
    v_next text;
begin
    if v_open then
        v_after := api.cursor_key(r.query ->> 'after', 'smallint', 'timestamptz', 'bigint');
        v_sql := v_sql || 'a.state <> ''cleared'''
            || case when v_after is not null then ' and (a.priority, a.raised_at, a.id) > ($1[1]::smallint, $1[2]::timestamptz, $1[3]::bigint)' else '' end;
    else
        v_after := api.cursor_key(r.query ->> 'after', 'timestamptz', 'bigint');
        v_sql := v_sql || case when v_after is not null then '(a.raised_at, a.id) < ($1[1]::timestamptz, $1[2]::bigint)' else 'true' end;
    end if;
    v_sql := v_sql || case when r.query ? 'priority' then ' and a.priority = $2' else '' end
        || case when r.query ? 'lift' then ' and a.lift_id = $3' else '' end
        || case when r.query ? 'code' then ' and a.code = $4' else '' end
        || case when v_open then ' order by a.priority, a.raised_at, a.id' else ' order by a.raised_at desc, a.id desc' end
        || ' limit $5';
    execute 'select array(' || v_sql || ')' into v_ids
        using v_after, (r.query ->> 'priority')::smallint, (r.query ->> 'lift')::bigint, (r.query ->> 'code')::int, v_limit + 1;
    if cardinality(v_ids) > v_limit then
        select * into v_last from alert.alarm a where a.id = v_ids[v_limit];
        v_next := case when v_open then api.cursor(v_last.priority::text, v_last.raised_at::text, v_last.id::text)
                       else api.cursor(v_last.raised_at::text, v_last.id::text) end;
    end if;
    return api.list(api.alarm_items(v_ids), v_limit, v_next);
end
$$;
comment on function api.alarms(api.request) is 'GET /alarms: the open ones, most urgent first; with state=all all of them, newest first.';

create or replace function api.alarm_answer(p_alarm bigint) returns api.response
language plpgsql stable as $$
declare
    a api.response;
    v_item json := (api.alarm_items(array [p_alarm]))[1];
begin
    if v_item is null then
        perform auth.problem(404, 'not_found', 'there is no such alarm');
    end if;
    a.status := 200;
    a.body := v_item::jsonb || jsonb_build_object('transitions', (
        select coalesce(jsonb_agg(jsonb_build_object('at', t.at, 'recorded_at', t.recorded_at, 'kind', t.kind,
            'from_state', t.from_state, 'to_state', t.to_state, 'by', t.actor_name, 'comment', t.comment) order by t.id), '[]')
        from alert.transition t where t.alarm_id = p_alarm));
    return a;
end
$$;
comment on function api.alarm_answer(bigint) is 'One alarm with its history; a problem 404 unless the account asking may see it.';

create or replace function api.alarm(r api.request) returns api.response
language sql stable as $$
    select * from api.alarm_answer(r.id::bigint)
$$;
comment on function api.alarm(api.request) is 'GET /alarms/{id}: one alarm with its history.';

create or replace function api.alarm_acknowledge(r api.request) returns api.response
language plpgsql as $$
begin
    -- Seen first, by row-level security; only then is the owner's function asked to act.
    perform api.seen_alarm(r.id::bigint);
    perform alert.acknowledge(r.id::bigint, auth.user_id(), r.body ->> 'comment');
    return api.alarm_answer(r.id::bigint);
exception when object_not_in_prerequisite_state then
    perform auth.problem(409, 'wrong_state', sqlerrm);
end
$$;
comment on function api.alarm_acknowledge(api.request) is 'POST /alarms/{id}/acknowledge: somebody has seen it; again changes nothing and answers the first acknowledgement.';

create or replace function api.alarm_comment(r api.request) returns api.response
language plpgsql as $$
begin
    perform api.seen_alarm(r.id::bigint);
    perform alert.comment(r.id::bigint, auth.user_id(), r.body ->> 'comment');
    return api.alarm_answer(r.id::bigint);
exception when object_not_in_prerequisite_state then
    perform auth.problem(409, 'wrong_state', sqlerrm);
end
$$;
comment on function api.alarm_comment(api.request) is 'POST /alarms/{id}/comment: writes down what somebody says.';

create or replace function api.seen_alarm(p_alarm bigint) returns void
language plpgsql stable as $$
begin
    if not exists (select from alert.alarm a where a.id = p_alarm) then
        perform auth.problem(404, 'not_found', 'there is no such alarm');
    end if;
end
$$;
comment on function api.seen_alarm(bigint) is 'A problem 404 unless the account asking may see the alarm.';

create or replace function api.rules(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'int');
    v_codes int[];
begin
    v_codes := array(select u.code from alert.rule u where v_after is null or u.code > v_after[1]::int
                     order by u.code limit v_limit + 1);
    return api.list(array(select json_build_object('code', u.code, 'version', u.version, 'priority', u.priority,
            'name_zh', u.name_zh, 'name_en', u.name_en, 'kind', u.kind, 'hold_ms', u.hold_ms, 'quiet_ms', u.quiet_ms,
            'suppressed_modes', u.suppressed_modes, 'why_zh', u.why_zh, 'why_en', u.why_en, 'retired_at', u.retired_at)
        from alert.rule u where u.code = any (v_codes) order by u.code), v_limit, api.cursor(v_codes[v_limit]::text));
end
$$;
comment on function api.rules(api.request) is 'GET /rules: the rules in force, and retired ones that old alarms refer to.';
