-- One lift's readings over a stretch of time, thinned so that a plot keeps its extremes.

create or replace function api.reading_json(d telemetry.reading) returns json
language sql stable as $$
    select json_build_object('at', d.filed_at, 'ts', d.ts, 'received_at', d.received_at, 'boot', d.boot, 'seq', d.seq,
        'mode', d.mode, 'motion', d.motion, 'floor', d.floor, 'flags', d.flags,
        'in_door_zone', api.flag(d.flags, 0), 'front_door_closed', api.flag(d.flags, 1),
        'rear_door_closed', api.flag(d.flags, 2), 'occupied', api.flag(d.flags, 3), 'on_battery', api.flag(d.flags, 4),
        'codes', d.codes, 'energy_wh', d.energy, 'trips', d.trips, 'run_time_s', d.run_time, 'door_cycles', d.door_cycles,
        'load_kg', d.load, 'speed_mm_s', d.speed, 'vibration_mm_s2', d.vibration, 'temperature_deci_c', d.temperature,
        'clock_suspect', d.suspect)
$$;
comment on function api.reading_json(telemetry.reading) is 'One reading as JSON.';

create or replace function api.gaps_json(p_lift bigint, p_from timestamptz, p_to timestamptz) returns json
language plpgsql stable as $$
begin
    return (
    select coalesce(json_agg(json_build_object('from', x.from_ts, 'to', x.to_ts, 'given_up', x.ended_at is not null)
                             order by x.from_ts nulls first), '[]')
    from (select g.from_ts, g.to_ts, g.ended_at from telemetry.gap g
          where g.lift_id = p_lift and g.outcome is distinct from 'filled'
            and coalesce(g.from_ts, g.opened_at) <= p_to and coalesce(g.to_ts, g.opened_at) >= p_from
          order by g.opened_at desc limit 1000) x);
end
$$;
comment on function api.gaps_json(bigint, timestamptz, timestamptz) is 'Stretches within these bounds of which readings are missing, open or given up; the newest 1,000.';

-- Real readings, chosen: of each bucket of time the first, the last, and those with the least and the greatest floor,
-- speed, load, temperature and number of codes. A value and its milliseconds since the start (31 days fit 32 bits) are
-- packed into one number, so that plain min and max find the reading in one pass without sorting.
create or replace function api.thinned(p_lift bigint, p_from timestamptz, p_to timestamptz, p_buckets int) returns setof telemetry.reading
language plpgsql stable as $$
begin
    return query
    with picked as (
        select d.*, (extract(epoch from d.filed_at - p_from) * 1000)::bigint as ms
        from telemetry.reading d where d.lift_id = p_lift and d.filed_at >= p_from and d.filed_at < p_to
    ), extremes as (
        select min(ms) as m1, max(ms) as m2,
            min(floor::bigint << 32 | ms) & 4294967295 as m3, max(floor::bigint << 32 | ms) & 4294967295 as m4,
            min(speed::bigint << 32 | ms) & 4294967295 as m5, max(speed::bigint << 32 | ms) & 4294967295 as m6,
            max(load::bigint << 32 | ms) & 4294967295 as m7,
            min(temperature::bigint << 32 | ms) & 4294967295 as m8, max(temperature::bigint << 32 | ms) & 4294967295 as m9,
            max(cardinality(codes)::bigint << 32 | ms) & 4294967295 as m10
        from picked
        group by ms * p_buckets / greatest(1, (extract(epoch from p_to - p_from) * 1000)::bigint)
    ), chosen as (
        select distinct m from extremes, unnest(array [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10]) m where m is not null
    )
    select distinct on (ms) lift_id, device, unit, boot, seq, ts, received_at, mode, motion, floor, flags, codes, energy, trips,
        run_time, door_cycles, load, speed, vibration, temperature, heard, epoch, filed_at, suspect
    from picked join chosen on chosen.m = picked.ms order by ms, epoch, boot, seq;
end
$$;
comment on function api.thinned(bigint, timestamptz, timestamptz, int) is 'At most ten readings of each bucket of time: first, last and extremes.';

create or replace function api.readings(r api.request) returns api.response
language plpgsql stable as $$
declare
    a api.response;
    v_lift constant bigint := r.id;
    v_points constant int := (r.query ->> 'points')::int;
    v_to constant timestamptz := coalesce(api.instant(r.query ->> 'to'), now());
    v_from constant timestamptz := coalesce(api.instant(r.query ->> 'from'), v_to - interval '1 day');
    v_thin boolean;
    v_items json[];
begin
    perform api.seen_lift(v_lift);
    if v_from >= v_to then
        perform auth.wrong_field('from', 'must be before to');
    elsif v_to - v_from > interval '31 days' then
        perform auth.wrong_field('from', 'must be at most 31 days before to');
    end if;
    if (r.query ->> 'raw')::boolean or r.query ->> 'format' = 'csv' then
        return api.readings_raw(r, v_lift, v_from, v_to);
    end if;
    select count(*) > v_points into v_thin from (select from telemetry.reading d
        where d.lift_id = v_lift and d.filed_at >= v_from and d.filed_at < v_to limit v_points + 1) x;
    if v_thin then
        v_items := array(select api.reading_json(d) from api.thinned(v_lift, v_from, v_to, v_points / 10) d);
    else
        v_items := array(select api.reading_json(d) from telemetry.reading d
            where d.lift_id = v_lift and d.filed_at >= v_from and d.filed_at < v_to order by d.filed_at, d.epoch, d.boot, d.seq);
    end if;
    a.status := 200;
    a.body := json_build_object('items', array_to_json(v_items), 'gaps', api.gaps_json(v_lift, v_from, v_to),
                                'next', null, 'thinned', v_thin);
    return a;
end
$$;
comment on function api.readings(api.request) is 'GET /lifts/{id}/readings: at most points readings between from and to (by default the last day, at most 31 days), or with raw=true all of them, a page at a time.';

create or replace function api.readings_raw(r api.request, p_lift bigint, p_from timestamptz, p_to timestamptz)
returns api.response
language plpgsql stable as $$
declare
    a api.response;
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'timestamptz', 'int', 'bigint', 'bigint');
    v_rows telemetry.reading[];
    v_last telemetry.reading;
begin
    v_rows := array(select d from telemetry.reading d
        where d.lift_id = p_lift and d.filed_at >= coalesce(v_after[1]::timestamptz, p_from) and d.filed_at < p_to
          and (v_after is null
               or (d.filed_at, d.epoch, d.boot, d.seq) > (v_after[1]::timestamptz, v_after[2]::int, v_after[3]::bigint, v_after[4]::bigint))
        order by d.filed_at, d.epoch, d.boot, d.seq limit v_limit + 1);
    v_last := v_rows[v_limit];
    a.status := 200;
    a.body := json_build_object(
        'items', (select coalesce(json_agg(api.reading_json(d)), '[]') from unnest(v_rows[:v_limit]) d),
        'gaps', api.gaps_json(p_lift, p_from, p_to),
        'next', case when cardinality(v_rows) > v_limit
                     then api.cursor(v_last.filed_at::text, v_last.epoch::text, v_last.boot::text, v_last.seq::text) end,
        'thinned', false);
    return a;
end
$$;
comment on function api.readings_raw(api.request, bigint, timestamptz, timestamptz) is 'A page of all readings in a stretch.';

create or replace function api.seen_lift(p_lift bigint) returns void
language plpgsql stable as $$
begin
    if not exists (select from registry.lift l where l.id = p_lift) then
        perform auth.problem(404, 'not_found', 'there is no such lift');
    end if;
end
$$;
comment on function api.seen_lift(bigint) is 'A problem 404 unless the account asking may see the lift.';
