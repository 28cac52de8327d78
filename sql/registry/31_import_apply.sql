-- Reading the registry from files: what each kind asks beyond its columns, and how its rows are applied.

create or replace function registry.import_good() returns setof bigint
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select i.line from import_in i where not exists (select from import_bad b where b.line = i.line and not b.landed)
$$;
comment on function registry.import_good() is 'Lines without an objection.';

create or replace function registry.import_value(p_name text, p_type text, p_when_empty text) returns text
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select format(case when p_when_empty is null then '%s' else 'coalesce(%s, %s)' end,
        case
            when p_type in ('integer', 'floor') then format('i.%I::bigint', p_name)
            when p_type = 'number' then format('i.%I::numeric', p_name)
            when p_type = 'date' then format('registry.import_date(i.%I)', p_name)
            when p_type = 'boolean' then format('registry.import_boolean(i.%I)', p_name)
            when p_type in ('area', 'compound', 'building', 'lift', 'party') then format('(select x.id from registry.%I x where x.code = i.%I)', p_type, p_name)
            else format('i.%I', p_name) end,
        case when p_when_empty ~ '^[a-z_]+$' and p_when_empty <> 'false' then format('i.%I', p_when_empty) else p_when_empty end)
$$;
comment on function registry.import_value(text, text, text) is 'SQL that turns a checked field of row i into a value of its table.';

create or replace function registry.import_upsert(p_kind text, p_columns text[], p_lines bigint[]) returns table (inserted bigint, updated bigint)
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_table text := case p_kind when 'parties' then 'party' else left(p_kind, -1) end;
    v_targets text;
    v_values text;
    v_join text;
    v_set text;
    v_old text;
    v_new text;
begin
    select string_agg(quote_ident(c.target), ', '),
        string_agg(format('%s as %I', registry.import_value(c.name, c.type, c.when_empty), c.target), ', '),
        string_agg(format('t.%I = v.%1$I', c.target), ' and ') filter (where c.name = any (registry.import_key(p_kind))),
        string_agg(format('%I = v.%1$I', c.target), ', ') filter (where c.name = any (p_columns) and c.name <> all (registry.import_key(p_kind))),
        string_agg(format('t.%I', c.target), ', ') filter (where c.name = any (p_columns) and c.name <> all (registry.import_key(p_kind))),
        string_agg(format('v.%I', c.target), ', ') filter (where c.name = any (p_columns) and c.name <> all (registry.import_key(p_kind)))
    into v_targets, v_values, v_join, v_set, v_old, v_new
    from registry.import_columns(p_kind) c;
    updated := 0;
    if v_set is not null then
        execute format('with v as materialized (select %s from import_in i where i.line = any ($1))
            update registry.%I t set %s from v where %s and (%s) is distinct from (%s)',
            v_values, v_table, v_set, v_join, v_old, v_new) using p_lines;
        get diagnostics updated = row_count;
    end if;
    execute format('with v as materialized (select i.line, %s from import_in i where i.line = any ($1))
        insert into registry.%I (%s) select %3$s from v where not exists (select from registry.%2$I t where %4$s) order by v.line',
        v_values, v_table, v_targets, v_join) using p_lines;
    get diagnostics inserted = row_count;
    return next;
end $$;
comment on function registry.import_upsert(text, text[], bigint[]) is 'Writes these lines into the table of their kind: new ones are added, known ones changed where a column of the file says otherwise; columns the file doesn''t have stay as they are.';

create or replace function registry.import_areas(p_columns text[]) returns table (inserted bigint, updated bigint)
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_level text;
    v_step record;
begin
    inserted := 0;
    updated := 0;
    delete from import_bad where reason = 'unknown_area' and column_name = 'parent'; -- it may stand in the same file
    insert into import_bad (line, column_name, reason, sentence)
    select i.line, 'kind', 'kind_changed', format('area %L is a %s already', i.code, a.kind)
    from import_in i join registry.area a on a.code = i.code and a.kind <> i.kind;
    insert into import_bad (line, column_name, reason, sentence)
    select i.line, 'parent', 'not_allowed', 'a subdistrict lies in no other area'
    from import_in i where i.kind = 'subdistrict' and i.parent is not null;
    foreach v_level in array array['subdistrict', 'grid', 'micro_grid'] loop
        insert into import_bad (line, column_name, reason, sentence)
        select i.line, 'parent', 'unknown_area', case when i.parent is null then format('a %s needs a parent', v_level)
            else format('%L is not the code of a %s', i.parent, case v_level when 'grid' then 'subdistrict' else 'grid' end) end
        from import_in i
        where i.kind = v_level and v_level <> 'subdistrict'
            and ('parent' = any (p_columns) or not exists (select from registry.area a where a.code = i.code))
            and not exists (select from registry.area a where a.code = i.parent and a.kind = case v_level when 'grid' then 'subdistrict' else 'grid' end);
        select * into v_step from registry.import_upsert('areas', p_columns,
            array(select i.line from import_in i where i.kind = v_level and i.line in (select registry.import_good())));
        inserted := inserted + v_step.inserted;
        updated := updated + v_step.updated;
    end loop;
    return next;
end $$;
comment on function registry.import_areas(text[]) is 'Applies areas, from the outermost inwards: a parent may stand anywhere in the same file.';

create or replace function registry.import_places(p_kind text, p_columns text[]) returns table (inserted bigint, updated bigint)
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if p_kind = 'compounds' then
        insert into import_bad (line, column_name, reason, sentence)
        select i.line, case when i.lon is null then 'lon' else 'lat' end, 'missing', 'longitude and latitude come together'
        from import_in i where (i.lon is null) <> (i.lat is null);
    elsif p_kind = 'lifts' then
        insert into import_bad (line, column_name, reason, sentence)
        select x.line, 'registration', 'repeated', format('%L is the registration of another lift', x.registration)
        from (select i.line, i.code, i.registration, row_number() over (partition by i.registration order by i.line) as n
            from import_in i where i.registration is not null) x
        where x.n > 1 or exists (select from registry.lift l where l.registration = x.registration and l.code <> x.code
            and not exists (select from import_in j where j.code = l.code and j.registration is distinct from l.registration));
    elsif p_kind = 'parties' then
        insert into import_bad (line, column_name, reason, sentence)
        select i.line, 'kind', 'kind_changed', format('party %L answers for lifts as %s', i.code, p.kind)
        from import_in i join registry.party p on p.code = i.code and p.kind <> i.kind
        where exists (select from registry.responsibility r where r.party_id = p.id);
    end if;
    return query select * from registry.import_upsert(p_kind, p_columns, array(select registry.import_good()));
end $$;
comment on function registry.import_places(text, text[]) is 'Applies compounds, buildings, households, lifts or parties.';

create or replace function registry.import_devices(p_columns text[]) returns table (inserted bigint, updated bigint)
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_row record;
begin
    insert into import_bad (line, column_name, reason, sentence)
    select i.line, 'lift', 'scrapped', format('lift %L is scrapped', i.lift)
    from import_in i join registry.lift l on l.code = i.lift where l.stage = 'scrapped';
    insert into import_bad (line, column_name, reason, sentence)
    select x.line, 'lift', 'repeated', format('line %s binds lift %L too', x.first, x.lift)
    from (select i.line, i.lift, row_number() over w as n, first_value(i.line) over w as first from import_in i
        where i.lift is not null window w as (partition by i.lift order by i.line)) x where x.n > 1;
    insert into import_bad (line, column_name, reason, sentence)
    select x.line, 'area', 'contradicts', format('line %s puts device %L into area %L', x.first, x.device, x.first_area)
    from (select i.line, i.device, i.area, first_value(i.line) over w as first, first_value(i.area) over w as first_area
        from import_in i window w as (partition by i.device order by i.line)) x
    where x.area is distinct from x.first_area;
    inserted := 0;
    updated := 0;
    for v_row in
        select i.device, a.id as area_id, i.unit::smallint as unit, l.id as lift_id, coalesce(i.note, '') as note, d.id as device_id,
            (d.area_id, case when 'note' = any (p_columns) then d.note else coalesce(i.note, '') end) is distinct from (a.id, coalesce(i.note, '')) as moved,
            l.id is not null and not exists (select from registry.device_unit u where u.device_id = d.id and u.unit = i.unit::smallint
                and u.lift_id = l.id and u.to_at is null) as bound
        from import_in i join registry.area a on a.code = i.area left join registry.lift l on l.code = i.lift
        left join registry.device d on d.device = i.device
        where i.line in (select registry.import_good()) order by i.line
    loop
        if v_row.device_id is null then
            inserted := inserted + 1;
            -- Other lines of the same device follow; the first of them has made it.
            insert into registry.device (device, area_id, note) values (v_row.device, v_row.area_id, v_row.note)
            on conflict (device) do nothing;
            select d.id into v_row.device_id from registry.device d where d.device = v_row.device;
        elsif v_row.moved or v_row.bound then
            updated := updated + 1;
            update registry.device d set area_id = v_row.area_id,
                note = case when 'note' = any (p_columns) then v_row.note else d.note end
            where d.id = v_row.device_id and v_row.moved;
        end if;
        if v_row.lift_id is not null then
            perform registry.bind_unit(v_row.device_id, v_row.unit, v_row.lift_id);
        end if;
    end loop;
    return next;
end $$;
comment on function registry.import_devices(text[]) is 'Applies devices, one line per unit. A binding that says otherwise than the one in force ends that one; a line without a lift changes no binding.';

create or replace function registry.import_responsibilities() returns table (inserted bigint, updated bigint)
    language plpgsql set search_path = pg_catalog, pg_temp set client_min_messages = warning
as $$
declare
    v_found bigint;
begin
    insert into import_bad (line, column_name, reason, sentence)
    select i.line, 'to_on', 'out_of_range', format('%L is before %L', i.to_on, i.from_on)
    from import_in i where registry.import_date(i.to_on) < registry.import_date(i.from_on);
    drop table if exists pg_temp.import_duty;
    create temporary table import_duty on commit drop as
    select i.line, l.id as lift_id, p.id as party_id, p.kind as role, registry.import_date(i.from_on) as from_on,
        registry.import_date(i.to_on) as to_on
    from import_in i join registry.lift l on l.code = i.lift join registry.party p on p.code = i.party
    where i.line in (select registry.import_good());
    -- What would stand in the end must not overlap. A line taken out may leave an older, longer row in force,
    -- so this is looked at until nothing more is found.
    loop
        with standing as (
            select null::bigint as line, r.lift_id, r.role, r.from_on, r.to_on from registry.responsibility r
            where r.lift_id in (select d.lift_id from import_duty d)
                and not exists (select from import_duty d where (d.lift_id, d.role, d.from_on) = (r.lift_id, r.role, r.from_on))
            union all
            select d.line, d.lift_id, d.role, d.from_on, d.to_on from import_duty d
        ), clash as (
            select d.line, min(s.from_on) as from_on
            from import_duty d join standing s on s.lift_id = d.lift_id and s.role = d.role and s.line is distinct from d.line
                and (s.line is null or s.line < d.line)
                and daterange(s.from_on, s.to_on, '[]') && daterange(d.from_on, d.to_on, '[]')
            group by d.line
        ), told as (
            insert into import_bad (line, column_name, reason, sentence)
            select c.line, 'from_on', 'overlaps', format('overlaps the responsibility in the same role from %s; end that one first', c.from_on) from clash c
            returning line
        )
        delete from import_duty d using told t where t.line = d.line;
        get diagnostics v_found = row_count;
        exit when v_found = 0;
    end loop;
    update registry.responsibility r set party_id = d.party_id, to_on = d.to_on from import_duty d
    where (r.lift_id, r.role, r.from_on) = (d.lift_id, d.role, d.from_on) and (r.party_id, r.to_on) is distinct from (d.party_id, d.to_on);
    get diagnostics updated = row_count;
    insert into registry.responsibility (lift_id, party_id, role, from_on, to_on)
    select d.lift_id, d.party_id, d.role, d.from_on, d.to_on from import_duty d
    where not exists (select from registry.responsibility r where (r.lift_id, r.role, r.from_on) = (d.lift_id, d.role, d.from_on))
    order by d.line;
    get diagnostics inserted = row_count;
    drop table import_duty;
    return next;
end $$;
comment on function registry.import_responsibilities() is 'Applies responsibilities: a line with the same lift, role and first day changes party and last day of the one that stands.';

create or replace function registry.import_apply(p_kind text, p_columns text[], p_optional text[], p_first boolean)
    returns table (inserted bigint, updated bigint, unchanged bigint, folded bigint)
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    analyze import_in;
    folded := registry.import_check(p_kind, p_optional, p_first);
    analyze import_bad;
    case p_kind
        when 'areas' then select * into inserted, updated from registry.import_areas(p_columns);
        when 'devices' then select * into inserted, updated from registry.import_devices(p_columns);
        when 'responsibilities' then select * into inserted, updated from registry.import_responsibilities();
        else select * into inserted, updated from registry.import_places(p_kind, p_columns);
    end case;
    unchanged := (select count(*) from registry.import_good()) - inserted - updated;
    return next;
end $$;
comment on function registry.import_apply(text, text[], text[], boolean) is 'Checks and applies what was copied into import_in: p_columns are the columns the file has, p_optional those whose wrong fields are emptied and noted, p_first folds lines that name the same thing into the first. What was wrong stands in import_bad afterwards; whoever calls decides whether to commit.';
