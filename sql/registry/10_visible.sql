-- What the session of the current transaction may see of the registry, worked out once per statement.
--
-- Whoever sees a lift sees the building, compound and areas it is in, its devices and its parties. The
-- functions below read past row-level security (they are the owner's) and answer with arrays, so that a policy
-- compares a column with a constant instead of calling something per row. They are PL/pgSQL because a function
-- in SQL would be planned anew at every call, which costs more than running it.

create or replace function registry.visible_building_ids() returns bigint[]
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct l.building_id), '{}')
        from registry.lift l where l.id = any ((select auth.lift_ids())::bigint[])
    );
end $$;
comment on function registry.visible_building_ids() is 'Buildings of the lifts the current session may see.';

create or replace function registry.visible_compound_ids() returns bigint[]
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct b.compound_id), '{}')
        from registry.building b where b.id = any ((select registry.visible_building_ids())::bigint[])
    );
end $$;
comment on function registry.visible_compound_ids() is 'Compounds of the lifts the current session may see.';

create or replace function registry.visible_area_ids() returns bigint[]
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        with recursive up as (
            select c.area_id as id from registry.compound c
            where c.id = any ((select registry.visible_compound_ids())::bigint[])
            union
            select b.area_id from registry.building b
            where b.area_id is not null and b.id = any ((select registry.visible_building_ids())::bigint[])
            union
            select a.parent_id from up join registry.area a on a.id = up.id where a.parent_id is not null
        )
        select coalesce(array_agg(id), '{}') from up
    );
end $$;
comment on function registry.visible_area_ids() is 'Areas of the lifts the current session may see, and all areas these lie in.';

create or replace function registry.visible_device_ids() returns bigint[]
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct u.device_id), '{}')
        from registry.device_unit u where u.lift_id = any ((select auth.lift_ids())::bigint[])
    );
end $$;
comment on function registry.visible_device_ids() is 'Devices that speak or spoke for the lifts the current session may see.';

create or replace function registry.visible_party_ids() returns bigint[]
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(array_agg(distinct r.party_id), '{}')
        from registry.responsibility r where r.lift_id = any ((select auth.lift_ids())::bigint[])
    );
end $$;
comment on function registry.visible_party_ids() is 'Parties that answer or answered for the lifts the current session may see.';

create or replace function registry.area_ids_within(p_codes text[]) returns bigint[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    with recursive down as (
        select a.id from registry.area a where a.code = any (p_codes)
        union
        select a.id from down join registry.area a on a.parent_id = down.id
    )
    select coalesce(array_agg(id), '{}') from down
$$;
comment on function registry.area_ids_within(text[]) is 'The areas of these codes and everything inside them.';

create or replace function registry.lift_ids_within(p_area_ids bigint[]) returns bigint[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(l.id), '{}')
    from registry.lift l
    join registry.building b on b.id = l.building_id
    join registry.compound c on c.id = b.compound_id
    where c.area_id = any (p_area_ids) or b.area_id = any (p_area_ids)
$$;
comment on function registry.lift_ids_within(bigint[]) is 'Lifts whose compound or building lies in one of these areas.';

create or replace function registry.lift_ids_of_party(p_party_id bigint, p_on date) returns bigint[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct r.lift_id), '{}')
    from registry.responsibility r
    where r.party_id = p_party_id and p_on >= r.from_on and (r.to_on is null or p_on <= r.to_on)
$$;
comment on function registry.lift_ids_of_party(bigint, date) is 'Lifts a party answers for on a day.';
