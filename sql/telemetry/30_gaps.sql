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
    ), mark as (
        -- What is there on both sides of every piece that may be left: the positions just outside the gap, and
        -- those that landed. Every row carries its gap, so that nothing has to be joined again.
        select gap_id, lift_id, epoch, opened_at, boot, seq, ts from hit
        union all
        select distinct on (h.gap_id, side.boot, side.seq) h.gap_id, h.lift_id, h.epoch, h.opened_at, side.boot, side.seq, side.ts
        from hit h
        cross join lateral (
            values (h.from_boot, h.from_seq - 1, h.from_ts), (h.to_boot, h.to_seq + 1, h.to_ts)
        ) side (boot, seq, ts)
    ), step as (
        select gap_id, lift_id, epoch, opened_at,
            lag(boot) over w as from_boot, lag(seq) over w + 1 as from_seq, lag(ts) over w as from_ts,
            boot as to_boot, seq - 1 as to_seq, ts as to_ts
        from mark
        window w as (partition by gap_id order by boot, seq)
    ), piece as materialized (
        select *, (from_boot, from_seq) <= (to_boot, to_seq) as missing,
            count(*) filter (where (from_boot, from_seq) <= (to_boot, to_seq)) over gap as pieces,
            row_number() over (partition by gap_id, (from_boot, from_seq) <= (to_boot, to_seq) order by to_boot, to_seq) as number
        from step
        where from_boot is not null
        window gap as (partition by gap_id)
    ), shrunk as (
        -- The first piece stays in the gap's row; a gap without a piece is filled.
        update telemetry.gap g
        set from_boot = case when p.missing then p.from_boot else g.from_boot end,
            from_seq = case when p.missing then p.from_seq else g.from_seq end,
            to_boot = case when p.missing then p.to_boot else g.to_boot end,
            to_seq = case when p.missing then p.to_seq else g.to_seq end,
            from_ts = case when p.missing then p.from_ts else g.from_ts end,
            to_ts = case when p.missing then p.to_ts else g.to_ts end,
            ended_at = case when not p.missing then now() end,
            outcome = case when not p.missing then 'filled' end
        from piece p
        where g.id = p.gap_id and p.number = 1 and p.missing = (p.pieces > 0)
    ), split as (
        insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts, opened_at)
        select lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts, opened_at
        from piece
        where missing and number > 1
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
    with unit as (
        -- One row per unit that sent a marker: what it holds, boot by boot; the newest position of it; and where
        -- the gaps of this batch begin, which all lie above those that stood before.
        select lift_id, epoch,
            array_agg(boot order by boot, oldest) filter (where boot is not null) as boots,
            array_agg(oldest order by boot, oldest) filter (where boot is not null) as oldests,
            array_agg(last order by boot, oldest) filter (where boot is not null) as lasts,
            max(fresh_boot) as fresh_boot, max(fresh_seq) as fresh_seq
        from (
            select lift_id, epoch, boot, lower(stretch) as oldest, upper(stretch) - 1 as last,
                null::bigint as fresh_boot, null::bigint as fresh_seq, true as says
            from (
                select lift_id, epoch, boot, unnest(range_agg(
                    int8range(oldest_seq, least(last_seq, 9223372036854775806), '[]'))) as stretch
                from pg_temp.marker_in
                where boot is not null and oldest_seq <= last_seq
                group by lift_id, epoch, boot
            ) merged
            union all
            select distinct lift_id, epoch, null::bigint, null::bigint, null::bigint, null::bigint, null::bigint, true
            from pg_temp.marker_in
            union all
            (select distinct on (lift_id, epoch) lift_id, epoch, null, null, null, from_boot, from_seq, false
            from pg_temp.gap_in
            order by lift_id, epoch, from_boot, from_seq)
        ) said
        group by lift_id, epoch
        having bool_or(says)
    ), judged as (
        select g.*, g.fresh and (u.newest_boot, u.newest_seq) < (g.to_boot, g.to_seq) as beyond, u.*
        from (
            select lift_id as unit_lift, epoch as unit_epoch, boots, oldests, lasts, fresh_boot, fresh_seq,
                boots[cardinality(boots)] as newest_boot, lasts[cardinality(lasts)] as newest_seq
            from unit
        ) u
        cross join lateral (
            select *, coalesce((g.from_boot, g.from_seq) >= (u.fresh_boot, u.fresh_seq), false) as fresh
            from telemetry.gap g
            where g.lift_id = u.unit_lift and g.epoch = u.unit_epoch and g.ended_at is null
            offset 0
        ) g
        where not g.fresh or (g.from_boot, g.from_seq) <= (u.newest_boot, u.newest_seq)
    ), piece as materialized (
        select j.id, j.lift_id, j.epoch, j.from_ts as gap_from_ts, j.to_ts as gap_to_ts, j.opened_at, p.*,
            count(*) filter (where p.gone) over gap as lost, count(*) filter (where not p.gone) over gap as kept,
            row_number() over (partition by j.id, p.gone order by p.from_boot, p.from_seq) as number
        from judged j
        cross join lateral (
            -- What is kept, and between it, the gap's ends included, what is given up.
            with held as (
                select h.boot as from_boot, cut.oldest as from_seq, h.boot as to_boot, cut.last as to_seq
                from unnest(j.boots, j.oldests, j.lasts) as h (boot, oldest, last)
                cross join lateral (select
                    case when h.boot = j.from_boot then greatest(h.oldest, j.from_seq) else h.oldest end as oldest,
                    case when h.boot = j.to_boot then least(h.last, j.to_seq) else h.last end as last
                ) cut
                where h.boot between j.from_boot and j.to_boot and cut.oldest <= cut.last
                union all
                select j.newest_boot, j.newest_seq + 1, j.to_boot, j.to_seq where j.beyond
            ), mark as (
                select from_boot, from_seq, to_boot, to_seq from held
                union all
                select j.to_boot, j.to_seq + 1, null, null
            )
            select from_boot, from_seq, to_boot, to_seq, false as gone from held
            union all
            select b.from_boot, b.from_seq, b.to_boot, b.to_seq, true
            from (
                select coalesce(lag(to_boot) over w, j.from_boot) as from_boot,
                    coalesce(lag(to_seq) over w + 1, j.from_seq) as from_seq,
                    from_boot as to_boot, from_seq - 1 as to_seq
                from mark
                window w as (order by from_boot, from_seq)
            ) b
            where (b.from_boot, b.from_seq) <= (b.to_boot, b.to_seq)
        ) p
        window gap as (partition by j.id)
    ), shrunk as (
        -- The first piece that is kept stays in the gap's row; a gap of which nothing is kept ends whole.
        update telemetry.gap g
        set from_boot = p.from_boot, from_seq = p.from_seq, to_boot = p.to_boot, to_seq = p.to_seq,
            ended_at = case when p.gone then now() end,
            outcome = case when p.gone then 'given_up' end
        from piece p
        where g.id = p.id and p.number = 1 and p.lost > 0 and p.gone = (p.kept = 0)
    ), split as (
        insert into telemetry.gap (lift_id, epoch, from_boot, from_seq, to_boot, to_seq, from_ts, to_ts, opened_at, ended_at, outcome)
        select lift_id, epoch, from_boot, from_seq, to_boot, to_seq, gap_from_ts, gap_to_ts, opened_at,
            case when gone then now() end, case when gone then 'given_up' end
        from piece
        where lost > 0 and kept > 0 and (gone or number > 1)
    )
    select count(*) into v_given_up from piece where gone;
    return v_given_up;
end $$;
comment on function telemetry.land_markers() is 'Part of telemetry.land(): of the open gaps of each unit that sent a marker only what the device still holds stays open; the rest is given up. Returns the stretches given up.';
