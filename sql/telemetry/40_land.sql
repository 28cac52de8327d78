-- Landing one batch: everything that isn't a plain live reading or a line of state, in the writer's transaction.

create or replace function telemetry.notify(p_payload json) returns void
    language sql
as $$
    select pg_notify('liftd', p_payload::text)
$$;
comment on function telemetry.notify(json) is 'Tells the listening liftd something; it is sent when the transaction commits.';

create or replace function telemetry.land_refusals() returns void
    language plpgsql
as $$
begin
    -- In order of arrival (rows of one millisecond as they were copied): relanding goes by id, and what came first
    -- is to land first.
    insert into telemetry.refusal as r (topic, payload, payload_sha256, reason, detail, area, device, first_at, last_at, times)
    select topic, payload, payload_sha256, reason, detail, area, device, first_at, last_at, times
    from (
        select distinct on (topic, sha256(payload)) topic, payload, sha256(payload) as payload_sha256,
            reason, detail, area, device, min(received_at) over same as first_at, max(received_at) over same as last_at,
            count(*) over same as times, min(ctid) over same as arrival
        from pg_temp.refusal_in
        window same as (partition by topic, sha256(payload))
        order by topic, sha256(payload), received_at desc
    ) folded
    order by first_at, arrival
    on conflict (md5(topic), payload_sha256) do update
        set reason = excluded.reason, detail = excluded.detail, area = excluded.area, device = excluded.device,
            first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at),
            times = r.times + excluded.times,
            -- Refused again after it had landed: it waits again.
            request_at = case when r.landed_at is null then r.request_at end,
            landed_at = null,
            outcome = case when r.landed_at is null then r.outcome end;
    -- Emptied here, see telemetry.begin_session(): removing rows is cheap, a new file for the table is not.
    delete from pg_temp.refusal_in;
    if pg_table_size('pg_temp.refusal_in') > 4194304 then
        truncate pg_temp.refusal_in;
    end if;
    perform telemetry.notify('{"topic":"refusals"}');
end $$;
comment on function telemetry.land_refusals() is 'Part of telemetry.land(): keeps what was refused; the same bytes on the same topic only count up.';

create or replace function telemetry.land_relanded() returns void
    language plpgsql
as $$
begin
    -- Landed, or refused again and then not tried again until somebody asks anew.
    update telemetry.refusal r
    set outcome = i.outcome,
        landed_at = case when i.outcome = 'landed' then now() end,
        request_at = case when i.outcome = 'landed' then r.request_at end
    from (select distinct on (refusal_id) * from pg_temp.relanded_in order by refusal_id, outcome = 'landed' desc) i
    where r.id = i.refusal_id;
    perform telemetry.notify('{"topic":"refusals"}');
end $$;
comment on function telemetry.land_relanded() is 'Part of telemetry.land(): notes how refusals that were tried again went; outcome landed, or the reason they were refused once more.';

create or replace function telemetry.land_presence() returns void
    language plpgsql
as $$
declare
    v_changed text[];
begin
    -- What was said before is read in the same statement, which sees it as it was.
    with said as (
        select distinct on (device) area, device, online, at
        from pg_temp.presence_in
        order by device, at desc, online desc
    ), written as (
        insert into telemetry.presence as p (device, area, online, changed_at, heard_at)
        select device, area, online, at, at from said order by device
        on conflict (device) do update
            set area = excluded.area, online = excluded.online, heard_at = excluded.heard_at,
                changed_at = case when p.online = excluded.online then p.changed_at else excluded.changed_at end
            -- What was kept as a refusal and lands afterwards is older than what the device has said since.
            where excluded.heard_at >= p.heard_at
    )
    select array_agg(s.device order by s.device) into v_changed
    from said s left join telemetry.presence b on b.device = s.device
    where b.online is distinct from s.online and (b.heard_at is null or s.at >= b.heard_at);
    if cardinality(v_changed) <= 200 then
        perform telemetry.notify(json_build_object('topic', 'presence', 'device', d)) from unnest(v_changed) d;
    elsif v_changed is not null then
        perform telemetry.notify('{"topic":"presence"}');
    end if;
end $$;
comment on function telemetry.land_presence() is 'Part of telemetry.land(): what each device last said about being there, and a notice per change (one for all beyond 200).';

create or replace function telemetry.land_now() returns void
    language plpgsql
as $$
begin
    insert into telemetry.lift_now as n
    select distinct on (lift_id) * from pg_temp.now_in
    order by lift_id, epoch desc, boot desc, seq desc, received_at desc
    on conflict (lift_id) do update
        set device = excluded.device, unit = excluded.unit, boot = excluded.boot, seq = excluded.seq, ts = excluded.ts,
            received_at = excluded.received_at, mode = excluded.mode, motion = excluded.motion, floor = excluded.floor,
            flags = excluded.flags, codes = excluded.codes, energy = excluded.energy, trips = excluded.trips,
            run_time = excluded.run_time, door_cycles = excluded.door_cycles, load = excluded.load,
            speed = excluded.speed, vibration = excluded.vibration, temperature = excluded.temperature,
            heard = excluded.heard, epoch = excluded.epoch, filed_at = excluded.filed_at, suspect = excluded.suspect,
            silent = excluded.silent;
    perform telemetry.notify('{"topic":"lifts"}');
end $$;
comment on function telemetry.land_now() is 'Part of telemetry.land(): writes the latest values of lifts over the ones before.';

-- Late readings land before markers are applied: what is in hand is never given up for what a device no longer holds.
create or replace function telemetry.land(out late_landed bigint, out late_duplicate bigint,
    out alarms_raised bigint, out alarms_cleared bigint, out alarms_ignored bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    late_landed := 0;
    late_duplicate := 0;
    alarms_raised := 0;
    alarms_cleared := 0;
    alarms_ignored := 0;
    if exists (select from pg_temp.gap_in) then
        perform telemetry.land_gaps();
    end if;
    if exists (select from pg_temp.late_in) then
        select landed, duplicate into late_landed, late_duplicate from telemetry.land_late();
    end if;
    if exists (select from pg_temp.marker_in) then
        perform telemetry.land_markers();
    end if;
    if exists (select from pg_temp.refusal_in) then
        perform telemetry.land_refusals();
    end if;
    if exists (select from pg_temp.relanded_in) then
        perform telemetry.land_relanded();
    end if;
    if exists (select from pg_temp.alarm_in) then
        select raised, cleared, ignored into alarms_raised, alarms_cleared, alarms_ignored from alert.land();
    end if;
    if exists (select from pg_temp.presence_in) then
        perform telemetry.land_presence();
    end if;
    if exists (select from pg_temp.now_in) then
        perform telemetry.land_now();
    end if;
end $$;
comment on function telemetry.land() is 'Lands what the batch copied into the session''s temporary tables; returns how many late readings landed and how many were duplicates, how many alarms were raised and cleared, and how many raises and clears said nothing new (an onset already known, an alarm unknown or already cleared).';
