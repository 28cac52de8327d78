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

create or replace function registry.bind_unit(p_device_id bigint, p_unit smallint, p_lift_id bigint) returns integer
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_epoch integer;
begin
    -- Whoever changes bindings does so one after another; readers are not held up.
    lock table registry.device_unit in share row exclusive mode;
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
    v_bad text;
begin
    if p_units is null or jsonb_typeof(p_units) = 'null' then
        return;
    end if;
    select case
        when jsonb_typeof(e) is distinct from 'object' then 'a unit must be an object {"unit", "lift_id"}'
        when coalesce(e ->> 'unit', '0') !~ '^\d{1,3}$' or coalesce(e ->> 'unit', '0')::int > 255 then format('unit %s is not 0 to 255', e -> 'unit')
        when coalesce(e ->> 'lift_id', '') !~ '^\d{1,18}$' then format('lift_id %s is not the id of a lift', coalesce((e -> 'lift_id')::text, 'null'))
        when not exists (select from registry.lift l where l.id = (e ->> 'lift_id')::bigint) then format('there is no lift %s', e ->> 'lift_id')
        when exists (select from registry.lift l where l.id = (e ->> 'lift_id')::bigint and l.stage = 'scrapped') then format('lift %s is scrapped', e ->> 'lift_id')
        end
    into v_bad
    from jsonb_array_elements(p_units) with ordinality x (e, n)
    where jsonb_typeof(e) is distinct from 'object'
        or coalesce(e ->> 'unit', '0') !~ '^\d{1,3}$'
        or case when coalesce(e ->> 'unit', '0') ~ '^\d{1,3}$' then coalesce(e ->> 'unit', '0')::int > 255 end
        or coalesce(e ->> 'lift_id', '') !~ '^\d{1,18}$'
        or case when coalesce(e ->> 'lift_id', '') ~ '^\d{1,18}$'
            then not exists (select from registry.lift l where l.id = (e ->> 'lift_id')::bigint and l.stage <> 'scrapped') end
    order by n limit 1;
    if v_bad is null and exists (select from jsonb_array_elements(p_units) e group by coalesce((e ->> 'unit')::int, 0) having count(*) > 1) then
        v_bad := 'the same unit is named twice';
    end if;
    if v_bad is null and exists (select from jsonb_array_elements(p_units) e group by e ->> 'lift_id' having count(*) > 1) then
        v_bad := 'the same lift is named twice';
    end if;
    if v_bad is not null then
        raise exception using errcode = '22023', message = v_bad, column = 'units';
    end if;
    return query select coalesce((e ->> 'unit')::smallint, 0::smallint), (e ->> 'lift_id')::bigint from jsonb_array_elements(p_units) e;
end $$;
comment on function registry.units_checked(jsonb) is 'The units of a registration as rows, or an error 22023 that says which one is wrong.';

create or replace function registry.replace_terminal(p_lift_id bigint, p_device text, p_unit smallint) returns integer
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_device_id bigint;
    v_epoch integer;
begin
    lock table registry.device_unit in share row exclusive mode;
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
