-- A writing session: the temporary tables a batch is copied into, and what the writer starts from.

-- Every commit that touched a temporary table empties all those that are emptied at commit. A table that could hold
-- long values has a second table and an index for them, and emptying those costs a millisecond and throws away
-- cached plans. So columns are stored plain (rows here are far shorter than a page), which needs no second table;
-- only refusal_in must hold whole messages, and is emptied by telemetry.land_refusals() when there were any.
create or replace function telemetry.begin_session() returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set client_min_messages = warning
as $$
declare
    v_table record;
    v_column name;
begin
    for v_table in
        select * from (values
            ('late_in', 'like telemetry.reading'),
            ('gap_in', 'lift_id bigint not null, epoch int not null, from_boot bigint not null, from_seq bigint not null, '
                'to_boot bigint not null, to_seq bigint not null, from_ts timestamptz, to_ts timestamptz'),
            ('marker_in', 'lift_id bigint not null, epoch int not null, boot bigint, oldest_seq bigint, last_seq bigint'),
            ('alarm_in', 'kind smallint not null, lift_id bigint not null, code int not null, priority smallint not null, '
                'confidence smallint not null, rule_version int not null, onset_at timestamptz not null, '
                'at timestamptz not null, text_zh text, text_en text'),
            ('relanded_in', 'refusal_id bigint not null, outcome text not null'),
            ('presence_in', 'area text not null, device text not null, online boolean not null, at timestamptz not null'),
            ('now_in', 'like telemetry.lift_now')) as t (name, columns)
        where to_regclass('pg_temp.' || t.name) is null
    loop
        execute format('create temporary table shape (%s)', v_table.columns);
        for v_column in
            select attname from pg_attribute where attrelid = 'pg_temp.shape'::regclass and attnum > 0 and attstorage <> 'p'
        loop
            execute format('alter table pg_temp.shape alter column %I set storage plain', v_column);
        end loop;
        execute format('create temporary table %I (like pg_temp.shape including storage) on commit delete rows', v_table.name);
        drop table pg_temp.shape;
    end loop;
    create temporary table if not exists refusal_in (
        topic text not null, payload bytea not null, reason text not null, detail text, area text, device text,
        received_at timestamptz not null) on commit preserve rows;
    execute format('grant insert on pg_temp.late_in, pg_temp.gap_in, pg_temp.marker_in, pg_temp.alarm_in, '
        'pg_temp.refusal_in, pg_temp.relanded_in, pg_temp.presence_in, pg_temp.now_in to %I', session_user);
end $$;
comment on function telemetry.begin_session() is 'Makes this session''s temporary tables for telemetry.land(); they are empty again after every commit.';

create or replace function telemetry.load_state()
    returns table (lift_id bigint, epoch int, boot bigint, seq bigint, state bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp set client_min_messages = warning
as $$
    with newest as (
        select s.lift_id, max(s.batch) as batch from telemetry.state_log s group by s.lift_id
    )
    select distinct on (s.lift_id) s.lift_id, s.epoch, s.boot, s.seq, s.state
    from telemetry.state_log s
    join newest n on n.lift_id = s.lift_id and n.batch = s.batch
    order by s.lift_id, s.epoch desc, s.boot desc, s.seq desc
$$;
comment on function telemetry.load_state() is 'The newest memory of every lift: what a restarted writer continues from.';

create or replace function telemetry.truncate_generation(g int) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if g is null or g not in (0, 1) then
        raise exception using errcode = '22023', message = format('generation %s is not 0 or 1', g);
    end if;
    if g = 0 then
        truncate telemetry.state_log_0;
    else
        truncate telemetry.state_log_1;
    end if;
end $$;
comment on function telemetry.truncate_generation(int) is 'Empties one half of the state log, in the transaction in which the writer finishes carrying every lift it serves into the other half. What it doesn''t serve is forgotten with it: a lift whose terminal was taken off starts anew, in a new epoch, when it gets one. Locks that half only; nothing is read, since this happens every few seconds under full load.';

create or replace function telemetry.routing()
    returns table (area text, device text, unit smallint, lift_id bigint, epoch int)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select a.code::text, d.device::text, u.unit, u.lift_id, u.epoch
    from registry.device_unit u
    join registry.device d on d.id = u.device_id
    join registry.area a on a.id = d.area_id
    where u.to_at is null
$$;
comment on function telemetry.routing() is 'Which unit of which device speaks for which lift, in which area''s topics, now.';

create or replace function telemetry.resume(device text)
    returns table (unit smallint, boot bigint, seq bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select u.unit, g.from_boot, g.from_seq - 1
    from registry.device d
    join registry.device_unit u on u.device_id = d.id and u.to_at is null
    left join lateral (
        select g.from_boot, g.from_seq from telemetry.gap g
        where g.lift_id = u.lift_id and g.epoch = u.epoch and g.ended_at is null
        order by g.from_boot, g.from_seq limit 1
    ) g on true
    where d.device = resume.device
    order by u.unit
$$;
comment on function telemetry.resume(text) is 'Per unit of a device the position up to which nothing is missing: just before its lowest open gap. Nulls where no gap is open, then it is the last position landed.';
