-- What happens to alarms: raised and cleared by liftd's batches, acknowledged and commented by people.

create or replace function alert.announce(p_alarms bigint[]) returns void
    language plpgsql
as $$
begin
    -- A storm must not fill the notification queue; beyond 200 listeners are told to look for themselves.
    if cardinality(p_alarms) > 200 then
        perform pg_notify('liftd', '{"topic":"alarms"}');
        return;
    end if;
    perform pg_notify('liftd', json_build_object('topic', 'alarm', 'id', a.id, 'lift_id', a.lift_id, 'code', a.code,
        'priority', a.priority, 'state', a.state)::text)
    from alert.alarm a where a.id = any (p_alarms) and a.origin = 'live'
    order by a.id;
end $$;
comment on function alert.announce(bigint[]) is 'Tells listeners about changed alarms when the transaction commits: one notice each, or one for all beyond 200.';

create or replace function alert.land(out raised bigint, out cleared bigint, out ignored bigint)
    language plpgsql
as $$
declare
    v_raised bigint[];
    v_cleared bigint[];
begin
    -- The onset names the alarm, so the order within a batch is: raises, then the clears of what stands by then.
    with arrived as (
        select distinct on (lift_id, code, onset_at) * from pg_temp.alarm_in
        where kind = 0 order by lift_id, code, onset_at, at
    ), made as (
        insert into alert.alarm (lift_id, code, priority, raised_at, state, confidence, rule_version, text_zh, text_en)
        select i.lift_id, i.code, i.priority, i.onset_at, l.to_state, i.confidence, i.rule_version,
            coalesce(i.text_zh, ''), coalesce(i.text_en, '')
        from arrived i join alert.lifecycle l on l.from_state = 'none' and l.event = 'raise'
        order by i.onset_at, i.lift_id, i.code
        on conflict (lift_id, code, raised_at) do nothing
        returning id, raised_at, state
    ), noted as (
        insert into alert.transition (alarm_id, at, kind, from_state, to_state)
        select id, raised_at, 'raise', 'none', state from made order by id
    )
    select array_agg(id) into v_raised from made;

    -- Somebody may be acknowledging right now: wait for that first, so that the next statement sees what it left.
    perform from (select distinct lift_id, code, onset_at from pg_temp.alarm_in where kind = 1 order by 1, 2, 3) i
    cross join lateral (
        select from alert.alarm a
        where a.lift_id = i.lift_id and a.code = i.code and a.raised_at = i.onset_at and a.cleared_at is null
        for update
    ) a;
    with arrived as (
        select distinct on (lift_id, code, onset_at) * from pg_temp.alarm_in
        where kind = 1 order by lift_id, code, onset_at, at
    ), standing as materialized (
        select a.id, a.state as from_state, l.to_state, greatest(i.at, a.raised_at) as at
        from arrived i
        cross join lateral (
            select * from alert.alarm a
            where a.lift_id = i.lift_id and a.code = i.code and a.raised_at = i.onset_at and a.cleared_at is null
            offset 0
        ) a
        join alert.lifecycle l on l.from_state = a.state and l.event = 'clear'
    ), ended as (
        update alert.alarm a set state = s.to_state, cleared_at = s.at, cleared_recorded_at = now()
        from standing s where a.id = s.id
    ), noted as (
        insert into alert.transition (alarm_id, at, kind, from_state, to_state)
        select id, at, 'clear', from_state, to_state from standing order by at, id
    )
    select array_agg(id) into v_cleared from standing;

    raised := coalesce(cardinality(v_raised), 0);
    cleared := coalesce(cardinality(v_cleared), 0);
    ignored := (select count(*) from pg_temp.alarm_in) - raised - cleared;
    perform alert.announce(array (select distinct unnest(v_raised || v_cleared)));
end $$;
comment on function alert.land() is 'Part of telemetry.land(): raises and clears of the batch. An onset already known and a clear of an alarm unknown or already cleared change nothing and are counted as ignored.';

create or replace function alert.acknowledge(p_alarm bigint, p_actor bigint, p_comment text) returns alert.alarm
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_alarm alert.alarm;
    v_to text;
    v_name text := alert.actor_name(p_actor);
begin
    select * into v_alarm from alert.alarm a where a.id = p_alarm for update;
    if not found then
        raise exception using errcode = 'P0002', message = format('there is no alarm %s', p_alarm);
    end if;
    if v_alarm.acknowledged_at is not null then
        return v_alarm;
    end if;
    select l.to_state into v_to from alert.lifecycle l where l.from_state = v_alarm.state and l.event = 'acknowledge';
    if not found then
        raise exception using errcode = '55000', message = format('an alarm that is %s can''t be acknowledged', v_alarm.state);
    end if;
    insert into alert.transition (alarm_id, at, kind, from_state, to_state, actor_id, actor_name, comment)
    values (p_alarm, now(), 'acknowledge', v_alarm.state, v_to, p_actor, v_name, nullif(p_comment, ''));
    update alert.alarm a set state = v_to, acknowledged_at = now(), acknowledged_by = v_name
    where a.id = p_alarm returning a.* into v_alarm;
    perform alert.announce(array [p_alarm]);
    -- The car is told that help is coming when it was a passenger who called, or is trapped (EN 81-28).
    if v_alarm.code in (90, 93, 200) then
        perform pg_notify('liftd', json_build_object('topic', 'help', 'id', v_alarm.id, 'lift_id', v_alarm.lift_id)::text);
    end if;
    return v_alarm;
end $$;
comment on function alert.acknowledge(bigint, bigint, text) is 'Somebody has seen the alarm. Acknowledging again changes nothing and returns the alarm with its first acknowledgement. P0002: no such alarm; 55000: not from its state. The caller has checked that the account may see it.';

create or replace function alert.comment(p_alarm bigint, p_actor bigint, p_comment text) returns alert.alarm
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_alarm alert.alarm;
    v_to text;
    v_name text := alert.actor_name(p_actor);
begin
    if coalesce(btrim(p_comment), '') = '' then
        raise exception using errcode = '22023', message = 'a comment must say something', column = 'comment';
    end if;
    select * into v_alarm from alert.alarm a where a.id = p_alarm for update;
    if not found then
        raise exception using errcode = 'P0002', message = format('there is no alarm %s', p_alarm);
    end if;
    select l.to_state into v_to from alert.lifecycle l where l.from_state = v_alarm.state and l.event = 'comment';
    if not found then
        raise exception using errcode = '55000', message = format('an alarm that is %s can''t be commented', v_alarm.state);
    end if;
    insert into alert.transition (alarm_id, at, kind, from_state, to_state, actor_id, actor_name, comment)
    values (p_alarm, now(), 'comment', v_alarm.state, v_to, p_actor, v_name, p_comment);
    perform alert.announce(array [p_alarm]);
    return v_alarm;
end $$;
comment on function alert.comment(bigint, bigint, text) is 'Writes down what somebody says about an alarm; it stays as it is. P0002: no such alarm; 22023: nothing said. The caller has checked that the account may see it.';

create or replace function alert.actor_name(p_actor bigint) returns text
    language plpgsql stable
as $$
declare
    v_name text;
begin
    select u.display_name into v_name from auth.user_account u where u.id = p_actor;
    if not found then
        raise exception using errcode = '22023', message = format('there is no account %s', coalesce(p_actor::text, 'null'));
    end if;
    return v_name;
end $$;
comment on function alert.actor_name(bigint) is 'Name of an account, as histories keep it; 22023 when there is none.';
