-- Registering devices, binding their units to lifts and replacing terminals, with the notice liftd waits for.

create or replace function registry.announce_routing() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_notify('liftd', '{"topic":"registry"}');
    return null;
end $$;
comment on function registry.announce_routing() is 'Trigger: tells liftd that the way from device to lift has changed.';

create or replace trigger announce_routing after insert or update or delete or truncate on registry.device_unit
    for each statement execute function registry.announce_routing();
create or replace trigger announce_routing after insert or update or delete or truncate on registry.device
    for each statement execute function registry.announce_routing();
create or replace trigger announce_routing after update of code on registry.area
    for each statement execute function registry.announce_routing();

create or replace function registry.lock_bindings() returns void
    language sql set search_path = pg_catalog, pg_temp
as $$
    select pg_advisory_xact_lock('registry.device_unit'::regclass::oid::bigint)
$$;
comment on function registry.lock_bindings() is 'Whoever changes bindings does so one after another, until the end of the transaction; readers are not held up.';

create or replace function registry.bind_unit(p_device_id bigint, p_unit smallint, p_lift_id bigint) returns integer
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_epoch integer;
begin
    perform registry.lock_bindings();
    select u.epoch into v_epoch from registry.device_unit u
    where u.device_id = p_device_id and u.unit = p_unit and u.lift_id = p_lift_id and u.to_at is null;
    if found then
        return v_epoch;
    end if;
    update registry.device_unit u set to_at = greatest(now(), u.from_at)
    where u.to_at is null and (u.lift_id = p_lift_id or (u.device_id = p_device_id and u.unit = p_unit));
    insert into registry.device_unit (lift_id, device_id, unit, from_at)
    values (p_lift_id, p_device_id, p_unit, now()) returning epoch into v_epoch;
    return v_epoch;
end $$;
comment on function registry.bind_unit(bigint, smallint, bigint) is 'Makes a unit of a device speak for a lift from now on and returns the epoch. What the lift or the unit was bound to before ends now; an equal binding stays as it is.';

create or replace function registry.register_device(p_device text, p_area text, p_note text, p_units jsonb) returns bigint
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_area_id bigint;
    v_id bigint;
    v_unit record;
begin
    if p_device is null or p_device !~ '^[A-Za-z0-9_-]{1,40}$' then
        raise exception using errcode = '22023', message = format('device %L is not 1 to 40 of A-Z a-z 0-9 _ -', p_device), column = 'device';
    end if;
    select a.id into v_area_id from registry.area a where a.code = p_area;
    if not found then
        raise exception using errcode = '22023', message = format('there is no area %L', p_area), column = 'area';
    end if;
    if coalesce(jsonb_typeof(p_units), 'null') not in ('array', 'null') then
        raise exception using errcode = '22023', message = 'units must be an array', column = 'units';
    end if;
    select d.id into v_id from registry.device d where d.device = p_device;
    if found then
        update registry.device d set area_id = v_area_id, note = coalesce(p_note, d.note)
        where d.id = v_id and (d.area_id, d.note) is distinct from (v_area_id, coalesce(p_note, d.note));
    else
        insert into registry.device (device, area_id, note) values (p_device, v_area_id, coalesce(p_note, ''))
        returning id into v_id;
    end if;
    for v_unit in select * from registry.units_checked(p_units) order by unit loop
        perform registry.bind_unit(v_id, v_unit.unit, v_unit.lift_id);
    end loop;
    return v_id;
end $$;
comment on function registry.register_device(text, text, text, jsonb) is 'Registers a device (or moves a known one to the area), and binds its units [{"unit":0,"lift_id":1}, ...]; other units keep what they have. Returns its id. Errors 22023 name the field in COLUMN. The caller must hold the right; row-level security asks for a session that sees everything.';

create or replace function registry.units_checked(p_units jsonb) returns table (unit smallint, lift_id bigint)
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    e jsonb;
    v_bad text;
    v_units smallint[] := '{}';
    v_lifts bigint[] := '{}';
begin
    if p_units is null or jsonb_typeof(p_units) = 'null' then
        return;
    end if;
    for e in select * from jsonb_array_elements(p_units) loop
        unit := null;
        lift_id := null;
        if jsonb_typeof(e) = 'object' then
            if coalesce(e ->> 'unit', '0') ~ '^[0-9]{1,3}$' then
                unit := nullif(least(coalesce(e ->> 'unit', '0')::int, 256), 256)::smallint;
            end if;
            if e ->> 'lift_id' ~ '^[0-9]{1,18}$' then
                select l.id into lift_id from registry.lift l
                where l.id = (e ->> 'lift_id')::bigint and l.stage <> 'scrapped';
            end if;
        end if;
        v_bad := case
            when jsonb_typeof(e) <> 'object' then 'a unit must be an object {"unit", "lift_id"}'
            when unit is null then format('unit %s is not 0 to 255', e -> 'unit')
            when lift_id is null then format('there is no lift %s in use', coalesce((e -> 'lift_id')::text, 'null'))
            when unit = any (v_units) then format('unit %s is named twice', unit)
            when lift_id = any (v_lifts) then format('lift %s is named twice', lift_id) end;
        if v_bad is not null then
            raise exception using errcode = '22023', message = v_bad, column = 'units';
        end if;
        v_units := v_units || unit;
        v_lifts := v_lifts || lift_id;
        return next;
    end loop;
end $$;
comment on function registry.units_checked(jsonb) is 'The units of a registration as rows, or an error 22023 that says which one is wrong.';

create or replace function registry.replace_terminal(p_lift_id bigint, p_device text, p_unit smallint) returns integer
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_device_id bigint;
    v_epoch integer;
begin
    perform registry.lock_bindings();
    if not exists (select from registry.lift l where l.id = p_lift_id and l.stage <> 'scrapped') then
        raise exception using errcode = '22023', message = format('there is no lift %s in use', p_lift_id), column = 'lift_id';
    end if;
    select d.id into v_device_id from registry.device d where d.device = p_device;
    if not found then
        raise exception using errcode = '22023', message = format('there is no device %L; register it first', p_device), column = 'device';
    end if;
    if p_unit is null or p_unit not between 0 and 255 then
        raise exception using errcode = '22023', message = format('unit %s is not 0 to 255', p_unit), column = 'unit';
    end if;
    -- Always a new epoch, even under the same name: the new box counts boots and readings from the start.
    update registry.device_unit u set to_at = greatest(now(), u.from_at)
    where u.to_at is null and (u.lift_id = p_lift_id or (u.device_id = v_device_id and u.unit = p_unit));
    insert into registry.device_unit (lift_id, device_id, unit, from_at)
    values (p_lift_id, v_device_id, p_unit, now()) returning epoch into v_epoch;
    return v_epoch;
end $$;
comment on function registry.replace_terminal(bigint, text, smallint) is 'A new terminal speaks for a lift: ends the binding in force and opens one with a new epoch, which it returns. The device may carry the old name.';
