-- What late readings would have said: which lifts wait for it, and what their rules read.

create or replace function telemetry.stretch_due(quiet_s int, patience_s int)
    returns table (lift_id bigint, from_ms bigint, to_ms bigint, changed_at text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select s.lift_id, floor(extract(epoch from s.from_at) * 1000)::bigint, ceil(extract(epoch from s.to_at) * 1000)::bigint,
        s.changed_at::text
    from telemetry.stretch s
    where s.changed_at < now() - make_interval(secs => quiet_s)
        and (s.changed_at < now() - make_interval(secs => patience_s)
            or exists (
                select from telemetry.reading r where r.lift_id = s.lift_id and r.filed_at > s.to_at)
            and not exists (
                select from telemetry.gap g
                where g.lift_id = s.lift_id and g.ended_at is null
                    and coalesce(g.from_ts, '-infinity') < s.to_at and coalesce(g.to_ts, 'infinity') > s.from_at))
    order by s.changed_at
    limit 1
$$;
comment on function telemetry.stretch_due(int, int) is 'The stretch of late readings that is to be judged next: unchanged for quiet_s seconds and without an open gap beside it and followed by a reading (which tells what still stands), or unchanged for patience_s. Milliseconds since 1970; changed_at is handed back to alert.record_history.';

create or replace function telemetry.stretch_readings(p_lift bigint, p_from_ms bigint, p_to_ms bigint, p_after text)
    returns table (cursor text, filed_ms bigint, unit smallint, boot bigint, seq bigint, ts_ms bigint, mode smallint,
        motion smallint, floor smallint, flags int, codes int[], load int, speed int, suspect boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select format('(%s,%s,%s,%s)', floor(extract(epoch from r.filed_at) * 1000000)::bigint, r.epoch, r.boot, r.seq),
        floor(extract(epoch from r.filed_at) * 1000)::bigint, r.unit, r.boot, r.seq,
        floor(extract(epoch from r.ts) * 1000)::bigint, r.mode, r.motion, r.floor, r.flags, r.codes, r.load, r.speed, r.suspect
    from telemetry.reading r,
        (select split_part(w, ',', 1)::bigint as at_us, split_part(w, ',', 2)::int as epoch,
            split_part(w, ',', 3)::bigint as boot, split_part(w, ',', 4)::bigint as seq
         from (select trim(both '()' from coalesce(nullif(p_after, ''), '(0,0,0,0)')) as w) given) a
    where r.lift_id = p_lift
        and r.filed_at >= to_timestamp(p_from_ms / 1000.0)
        and r.filed_at <= coalesce((
            select n.filed_at from telemetry.reading n
            where n.lift_id = p_lift and n.filed_at > to_timestamp(p_to_ms / 1000.0)
            order by n.filed_at limit 1), to_timestamp(p_to_ms / 1000.0))
        and r.filed_at >= to_timestamp(a.at_us / 1000000.0) - interval '1 ms'
        and (floor(extract(epoch from r.filed_at) * 1000000)::bigint, r.epoch, r.boot, r.seq) > (a.at_us, a.epoch, a.boot, a.seq)
    order by floor(extract(epoch from r.filed_at) * 1000000)::bigint, r.epoch, r.boot, r.seq
    limit 1000
$$;
comment on function telemetry.stretch_readings(bigint, bigint, bigint, text) is 'One lift''s readings of a stretch, and the first one behind it, which says what had ended, in the order in which the lift made them, a thousand at a time; p_after is the cursor of the last one seen, empty at the start. Milliseconds since 1970.';
