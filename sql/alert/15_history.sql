-- Alarms found afterwards in readings that arrived late.

create or replace function alert.record_history(p_lift bigint, p_found jsonb, p_changed_at text) returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_recorded int;
begin
    with found as (
        select (f ->> 'code')::int as code, (f ->> 'priority')::smallint as priority,
            (f ->> 'confidence')::smallint as confidence, (f ->> 'rule_version')::int as rule_version,
            to_timestamp((f ->> 'onset_ms')::bigint / 1000.0) as raised_at,
            to_timestamp((f ->> 'cleared_ms')::bigint / 1000.0) as cleared_at,
            f ->> 'text_zh' as text_zh, f ->> 'text_en' as text_en
        from jsonb_array_elements(p_found) f
    ), new as (
        -- What rang at the time, in whole or in part, is not history twice.
        select f.* from found f
        where not exists (
            select from alert.alarm a
            where a.lift_id = p_lift and a.code = f.code
                and a.raised_at <= f.cleared_at and coalesce(a.cleared_at, 'infinity') >= f.raised_at)
    ), made as (
        insert into alert.alarm (lift_id, code, priority, raised_at, cleared_at, state, confidence, rule_version,
            text_zh, text_en, cleared_recorded_at, origin)
        select p_lift, n.code, n.priority, n.raised_at, n.cleared_at, l.to_state, n.confidence, n.rule_version,
            n.text_zh, n.text_en, now(), 'history'
        from new n join alert.lifecycle l on l.from_state = 'none' and l.event = 'record'
        order by n.raised_at, n.code
        on conflict (lift_id, code, raised_at) do nothing
        returning id, cleared_at, state
    ), noted as (
        insert into alert.transition (alarm_id, at, kind, from_state, to_state)
        select id, cleared_at, 'record', 'none', state from made order by id
    )
    select count(*) into v_recorded from made;
    delete from telemetry.stretch s where s.lift_id = p_lift and s.changed_at::text = p_changed_at;
    return v_recorded;
end $$;
comment on function alert.record_history(bigint, jsonb, text) is 'Records what the rules found in a stretch of late readings (array of code, priority, confidence, rule_version, onset_ms, cleared_ms, text_zh, text_en) as cleared alarms of origin history, leaves out what rang at the time, and takes the stretch off the list unless it changed since. Returns how many were recorded.';
