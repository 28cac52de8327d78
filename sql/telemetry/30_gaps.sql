-- What is missing: late readings land inside open gaps and nowhere else; markers say what will never come.
--
-- The successor of a position (b, s) is (b, s + 1), its predecessor (b, s - 1); how many readings a boot has is
-- not known until a marker says so. A stretch from..to is empty when from stands after to.

create or replace function telemetry.land_gaps() returns void
    language sql
as $$
    insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts)
    select lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts
    from pg_temp.gap_in
    where (from_boot, from_seq) <= (to_boot, to_seq)
$$;
comment on function telemetry.land_gaps() is 'Part of telemetry.land(): opens the batch''s gaps.';

create or replace function telemetry.land_late(out landed bigint, out duplicate bigint)
    language plpgsql
as $$
begin
    with arrived as (
        -- Several copies of one reading in one batch are one reading.
        select distinct on (lift_id, epoch, boot, seq) *
        from pg_temp.late_in
        order by lift_id, epoch, boot, seq, received_at
    ), hit as materialized (
        select a.*, g.id as gap_id, g.from_boot, g.from_seq, g.to_boot, g.to_seq, g.from_ts, g.to_ts, g.opened_at
        from arrived a
        cross join lateral (
            select g.* from telemetry.gap g
            where g.lift_id = a.lift_id and g.epoch = a.epoch and g.ended_at is null
                and (g.from_boot, g.from_seq) <= (a.boot, a.seq)
            order by g.from_boot desc, g.from_seq desc limit 1
        ) g
        where (a.boot, a.seq) <= (g.to_boot, g.to_seq)
    ), written as (
        insert into telemetry.reading (lift_id, device, unit, boot, seq, ts, received_at, mode, motion, floor, flags,
            codes, energy, trips, run_time, door_cycles, load, speed, vibration, temperature, heard, epoch, filed_at, suspect)
        select lift_id, device, unit, boot, seq, ts, received_at, mode, motion, floor, flags,
            codes, energy, trips, run_time, door_cycles, load, speed, vibration, temperature, heard, epoch, filed_at, suspect
        from hit
    ), to_judge as (
        -- The rules read them afterwards, as history.
        insert into telemetry.stretch as s (lift_id, from_at, to_at)
        select lift_id, min(filed_at), max(filed_at) from hit where not suspect group by lift_id order by lift_id
        on conflict (lift_id) do update
            set from_at = least(s.from_at, excluded.from_at), to_at = greatest(s.to_at, excluded.to_at),
                changed_at = clock_timestamp()
    ), touched as (
        select distinct gap_id, lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts, opened_at from hit
    ), mark as (
        -- What is there on both sides of every piece that may be left: the positions just outside the gap, and
        -- those that landed.
        select gap_id, from_boot as boot, from_seq - 1 as seq, from_ts as ts from touched
        union all
        select gap_id, boot, seq, ts from hit
        union all
        select gap_id, to_boot, to_seq + 1, to_ts from touched
    ), step as (
        select gap_id,
            lag(boot) over w as from_boot, lag(seq) over w + 1 as from_seq, lag(ts) over w as from_ts,
            boot as to_boot, seq - 1 as to_seq, ts as to_ts
        from mark
        window w as (partition by gap_id order by boot, seq)
    ), piece as (
        select *, row_number() over (partition by gap_id order by from_boot, from_seq) as number
        from step
        where (from_boot, from_seq) <= (to_boot, to_seq)
    ), shrunk as (
        -- The first piece stays in the gap's row; a gap without a piece is filled.
        update telemetry.gap g
        set from_boot = coalesce(p.from_boot, t.from_boot), from_seq = coalesce(p.from_seq, t.from_seq),
            to_boot = coalesce(p.to_boot, t.to_boot), to_seq = coalesce(p.to_seq, t.to_seq),
            from_ts = case when p.gap_id is null then t.from_ts else p.from_ts end,
            to_ts = case when p.gap_id is null then t.to_ts else p.to_ts end,
            ended_at = case when p.gap_id is null then now() end,
            outcome = case when p.gap_id is null then 'filled' end
        from touched t left join piece p on p.gap_id = t.gap_id and p.number = 1
        where g.id = t.gap_id
    ), split as (
        insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts, opened_at)
        select t.lift_id, t.epoch, p.from_boot, p.from_seq, p.to_boot, p.to_seq, p.from_ts, p.to_ts, t.opened_at
        from piece p join touched t on t.gap_id = p.gap_id
        where p.number > 1
    )
    select (select count(*) from hit), (select count(*) from pg_temp.late_in) - (select count(*) from hit)
    into landed, duplicate;
end $$;
comment on function telemetry.land_late() is 'Part of telemetry.land(): files the late readings that stand in an open gap, once each, and takes them out of it; the others were duplicates and are only counted.';

-- A marker was spoken at some moment of the batch: gaps that were open before the batch were open then, so it
-- judges them whole. Of a gap that this batch opened it judges only what the device had numbered by then, which is
-- known up to the newest position it holds; what comes after may still be in the device's store. Several markers
-- of one unit in one batch together hold what any of them holds.
create or replace function telemetry.land_markers() returns bigint
    language plpgsql
as $$
declare
    v_given_up bigint;
begin
    with held as (
        select lift_id, epoch, boot, lower(stretch) as oldest, upper(stretch) - 1 as last
        from (
            select lift_id, epoch, boot, unnest(range_agg(
                int8range(oldest_seq, least(last_seq, 9223372036854775806), '[]'))) as stretch
            from pg_temp.marker_in
            where boot is not null and oldest_seq <= last_seq
            group by lift_id, epoch, boot
        ) m
    ), unit as (
        select distinct on (lift_id, epoch) lift_id, epoch, boot as newest_boot, last_seq as newest_seq
        from pg_temp.marker_in
        order by lift_id, epoch, boot desc nulls last, last_seq desc nulls last
    ), judged as materialized (
        select g.*, u.newest_boot, u.newest_seq, fresh.is_fresh
        from unit u
        join telemetry.gap g on g.lift_id = u.lift_id and g.epoch = u.epoch and g.ended_at is null
        cross join lateral (
            select exists (
                select from pg_temp.gap_in i
                where i.lift_id = g.lift_id and i.epoch = g.epoch
                    and (i.from_boot, i.from_seq) <= (g.from_boot, g.from_seq)
                    and (g.from_boot, g.from_seq) <= (i.to_boot, i.to_seq)) as is_fresh
        ) fresh
        where not fresh.is_fresh or (g.from_boot, g.from_seq) <= (u.newest_boot, u.newest_seq)
    ), kept as (
        select j.id, h.boot as from_boot, cut.oldest as from_seq, h.boot as to_boot, cut.last as to_seq
        from judged j
        join held h on h.lift_id = j.lift_id and h.epoch = j.epoch and h.boot between j.from_boot and j.to_boot
        cross join lateral (select
            case when h.boot = j.from_boot then greatest(h.oldest, j.from_seq) else h.oldest end as oldest,
            case when h.boot = j.to_boot then least(h.last, j.to_seq) else h.last end as last
        ) cut
        where cut.oldest <= cut.last
        union all
        select j.id, j.newest_boot, j.newest_seq + 1, j.to_boot, j.to_seq
        from judged j
        where j.is_fresh and (j.newest_boot, j.newest_seq + 1) <= (j.to_boot, j.to_seq)
    ), mark as (
        select id, from_boot, from_seq, from_boot as to_boot, from_seq - 1 as to_seq from judged
        union all
        select id, from_boot, from_seq, to_boot, to_seq from kept
        union all
        select id, to_boot, to_seq + 1, to_boot, to_seq from judged
    ), step as (
        select id,
            lag(to_boot) over w as from_boot, lag(to_seq) over w + 1 as from_seq,
            from_boot as to_boot, from_seq - 1 as to_seq
        from mark
        window w as (partition by id order by from_boot, from_seq, to_boot, to_seq)
    ), given_up as materialized (
        select * from step where (from_boot, from_seq) <= (to_boot, to_seq)
    ), changed as (
        select j.* from judged j where exists (select from given_up u where u.id = j.id)
    ), first_kept as (
        select distinct on (id) * from kept order by id, from_boot, from_seq
    ), shrunk as (
        update telemetry.gap g
        set from_boot = coalesce(k.from_boot, c.from_boot), from_seq = coalesce(k.from_seq, c.from_seq),
            to_boot = coalesce(k.to_boot, c.to_boot), to_seq = coalesce(k.to_seq, c.to_seq),
            ended_at = case when k.id is null then now() end,
            outcome = case when k.id is null then 'given_up' end
        from changed c left join first_kept k on k.id = c.id
        where g.id = c.id
    ), split as (
        insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts, opened_at, ended_at, outcome)
        select c.lift_id, c.epoch, p.from_boot, p.from_seq, p.to_boot, p.to_seq, c.from_ts, c.to_ts, c.opened_at,
            case when p.gone then now() end, case when p.gone then 'given_up' end
        from changed c
        join first_kept f on f.id = c.id
        join (
            select id, from_boot, from_seq, to_boot, to_seq, false as gone from kept
            union all
            select id, from_boot, from_seq, to_boot, to_seq, true from given_up
        ) p on p.id = c.id
        where p.gone or (p.from_boot, p.from_seq) <> (f.from_boot, f.from_seq)
    )
    select count(*) into v_given_up from given_up;
    return v_given_up;
end $$;
comment on function telemetry.land_markers() is 'Part of telemetry.land(): of the open gaps of each unit that sent a marker only what the device still holds stays open; the rest is given up. Returns the stretches given up.';
