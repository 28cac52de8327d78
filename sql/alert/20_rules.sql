-- The rules in force, as the writing liftd has them.

create or replace function alert.load_rules(rules jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(rules) is distinct from 'array' or jsonb_array_length(rules) = 0 then
        raise exception using errcode = '22023', message = 'rules must be an array with at least one rule';
    end if;
    insert into alert.rule as r (code, version, priority, name_zh, name_en, kind, hold_ms, quiet_ms, suppressed_modes,
        family, why_zh, why_en, source, loaded_at)
    select i.code, i.version, i.priority, i.name_zh, i.name_en, i.kind, i.hold_ms, i.quiet_ms,
        coalesce(i.suppressed_modes, '{}'), i."group", i.why_zh, i.why_en, coalesce(i.source, ''), now()
    from jsonb_to_recordset(rules) as i (code int, version int, priority smallint, name_zh text, name_en text,
        kind text, hold_ms bigint, quiet_ms bigint, suppressed_modes int[], "group" text, why_zh text, why_en text, source text)
    on conflict (code) do update
        set version = excluded.version, priority = excluded.priority, name_zh = excluded.name_zh, name_en = excluded.name_en,
            kind = excluded.kind, hold_ms = excluded.hold_ms, quiet_ms = excluded.quiet_ms,
            suppressed_modes = excluded.suppressed_modes, family = excluded.family,
            why_zh = excluded.why_zh, why_en = excluded.why_en, source = excluded.source,
            loaded_at = now(), retired_at = null
        where (r.version, r.priority, r.name_zh, r.name_en, r.kind, r.hold_ms, r.quiet_ms, r.suppressed_modes,
                r.family, r.why_zh, r.why_en, r.source, r.retired_at)
            is distinct from (excluded.version, excluded.priority, excluded.name_zh, excluded.name_en, excluded.kind,
                excluded.hold_ms, excluded.quiet_ms, excluded.suppressed_modes, excluded.family, excluded.why_zh,
                excluded.why_en, excluded.source, null::timestamptz);
    update alert.rule r set retired_at = now()
    where r.retired_at is null
        and not exists (select from jsonb_array_elements(rules) i where (i ->> 'code')::int = r.code);
end $$;
comment on function alert.load_rules(jsonb) is 'Makes alert.rule say what this liftd''s table says; a rule it no longer has is retired, not deleted.';
