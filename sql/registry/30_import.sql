-- Reading the registry from files: what columns each kind of file has, and how a column is checked.
--
-- `liftd import` copies the rows of a file as text, each with its line number, into the temporary table
-- import_in, and what it could not read itself into import_bad. The functions here look at all rows at once, add
-- every further objection to import_bad, and apply the rows that have none. The program then commits or, when a
-- row was bad and that was not allowed for, rolls everything back. An empty field means unknown.

create or replace function registry.import_columns(p_kind text)
    returns table (name text, type text, required boolean, low numeric, high numeric, choices text[], target text, when_empty text, note text)
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select c.name, c.type, c.required, c.low, c.high, c.choices, c.target, c.when_empty, c.note
    from (values
        ('areas', 1, 'code', 'code', true, null::numeric, null::numeric, null::text[], 'code', null, 'stable name, second level of a topic'),
        ('areas', 2, 'kind', 'choice', true, null, null, array['subdistrict', 'grid', 'micro_grid'], 'kind', null, 'subdistrict, grid or micro_grid'),
        ('areas', 3, 'parent', 'area', false, null, null, null, 'parent_id', null, 'code of the area it lies in; empty for a subdistrict'),
        ('areas', 4, 'name_zh', 'text', true, null, null, null, 'name_zh', null, 'Chinese name'),
        ('areas', 5, 'name_en', 'text', false, null, null, null, 'name_en', 'name_zh', 'English name; else the Chinese one'),
        ('compounds', 1, 'code', 'code', true, null, null, null, 'code', null, 'stable name'),
        ('compounds', 2, 'area', 'area', true, null, null, null, 'area_id', null, 'code of its area'),
        ('compounds', 3, 'name_zh', 'text', true, null, null, null, 'name_zh', null, 'Chinese name'),
        ('compounds', 4, 'name_en', 'text', false, null, null, null, 'name_en', 'name_zh', 'English name; else the Chinese one'),
        ('compounds', 5, 'address', 'text', false, null, null, null, 'address', '''''', 'postal address'),
        ('compounds', 6, 'lon', 'number', false, -180, 180, null, 'lon', null, 'longitude, degrees, WGS 84'),
        ('compounds', 7, 'lat', 'number', false, -90, 90, null, 'lat', null, 'latitude, degrees, WGS 84'),
        ('buildings', 1, 'code', 'code', true, null, null, null, 'code', null, 'stable name'),
        ('buildings', 2, 'compound', 'compound', true, null, null, null, 'compound_id', null, 'code of its compound'),
        ('buildings', 3, 'area', 'area', false, null, null, null, 'area_id', null, 'code of its micro-grid'),
        ('buildings', 4, 'name_zh', 'text', true, null, null, null, 'name_zh', null, 'Chinese name'),
        ('buildings', 5, 'name_en', 'text', false, null, null, null, 'name_en', 'name_zh', 'English name; else the Chinese one'),
        ('buildings', 6, 'floors', 'integer', false, 1, 300, null, 'floors', null, 'storeys above ground'),
        ('households', 1, 'building', 'building', true, null, null, null, 'building_id', null, 'code of its building'),
        ('households', 2, 'door', 'text', true, null, 40, null, 'door', null, 'door number'),
        ('households', 3, 'floor', 'floor', true, -100, 300, null, 'floor', null, 'storey; ground floor 1, below it negative'),
        ('households', 4, 'area_m2', 'number', false, 0.01, 99999999, null, 'area_m2', null, 'floor area, square metres'),
        ('households', 5, 'coefficient', 'number', false, 0, 999999, null, 'coefficient', '1', 'weight of its share; 1 when empty'),
        ('lifts', 1, 'code', 'code', true, null, null, null, 'code', null, 'stable name'),
        ('lifts', 2, 'building', 'building', true, null, null, null, 'building_id', null, 'code of its building'),
        ('lifts', 3, 'name_zh', 'text', true, null, null, null, 'name_zh', null, 'Chinese name'),
        ('lifts', 4, 'name_en', 'text', false, null, null, null, 'name_en', 'name_zh', 'English name; else the Chinese one'),
        ('lifts', 5, 'kind', 'choice', false, null, null, array['passenger', 'freight', 'accessibility', 'dumbwaiter', 'escalator', 'walkway', 'other'], 'kind', '''passenger''', 'passenger when empty'),
        ('lifts', 6, 'stage', 'choice', true, null, null, array['signed', 'to_start', 'under_construction', 'in_service', 'suspended', 'scrapped'], 'stage', null, 'signed, to_start, under_construction, in_service, suspended or scrapped'),
        ('lifts', 7, 'model', 'text', false, null, null, null, 'model', '''''', 'the maker''s model name'),
        ('lifts', 8, 'maker', 'text', false, null, null, null, 'maker', '''''', 'who made it'),
        ('lifts', 9, 'floors', 'integer', false, 1, 300, null, 'floors', null, 'number of landings'),
        ('lifts', 10, 'rear_door', 'boolean', false, null, null, null, 'rear_door', 'false', 'yes for front and rear doors'),
        ('lifts', 11, 'rated_load_kg', 'integer', false, 1, 100000, null, 'rated_load_kg', null, 'rated load, kg'),
        ('lifts', 12, 'rated_speed_mm_s', 'integer', false, 1, 20000, null, 'rated_speed_mm_s', null, 'rated speed, mm/s'),
        ('lifts', 13, 'travel_mm', 'integer', false, 1, 1000000, null, 'travel_mm', null, 'travel height, mm'),
        ('lifts', 14, 'in_service_on', 'date', false, null, null, null, 'in_service_on', null, 'first day in service'),
        ('lifts', 15, 'registration', 'text', false, null, null, null, 'registration', null, 'registration number'),
        ('lifts', 16, 'last_inspection_on', 'date', false, null, null, null, 'last_inspection_on', null, 'day of the last periodic inspection'),
        ('lifts', 17, 'note', 'text', false, null, null, null, 'note', '''''', 'free text'),
        ('devices', 1, 'device', 'code', true, null, null, null, null, null, 'name, third level of its topic'),
        ('devices', 2, 'area', 'area', true, null, null, null, null, null, 'code of the area in its topic'),
        ('devices', 3, 'unit', 'integer', false, 0, 255, null, null, '0', 'which lift behind the device; 0 when empty'),
        ('devices', 4, 'lift', 'lift', false, null, null, null, null, null, 'code of the lift this unit speaks for; empty: none yet'),
        ('devices', 5, 'note', 'text', false, null, null, null, null, '''''', 'free text'),
        ('parties', 1, 'code', 'code', true, null, null, null, 'code', null, 'stable name'),
        ('parties', 2, 'kind', 'choice', true, null, null, array['use_manager', 'maintenance_firm', 'inspection_body', 'insurer', 'bank', 'station'], 'kind', null, 'use_manager, maintenance_firm, inspection_body, insurer, bank or station'),
        ('parties', 3, 'name_zh', 'text', true, null, null, null, 'name_zh', null, 'Chinese name'),
        ('parties', 4, 'name_en', 'text', false, null, null, null, 'name_en', 'name_zh', 'English name; else the Chinese one'),
        ('parties', 5, 'phone', 'text', false, null, 40, null, 'phone', '''''', 'duty telephone'),
        ('parties', 6, 'email', 'text', false, null, 200, null, 'email', '''''', 'duty mail address'),
        ('parties', 7, 'address', 'text', false, null, null, null, 'address', '''''', 'postal address'),
        ('responsibilities', 1, 'lift', 'lift', true, null, null, null, null, null, 'code of the lift'),
        ('responsibilities', 2, 'party', 'party', true, null, null, null, null, null, 'code of the party; its kind is the role'),
        ('responsibilities', 3, 'from_on', 'date', true, null, null, null, null, null, 'first day'),
        ('responsibilities', 4, 'to_on', 'date', false, null, null, null, null, null, 'last day, inclusive; empty while no end is agreed')
    ) c (kind, place, name, type, required, low, high, choices, target, when_empty, note)
    where c.kind = p_kind
    order by c.place
$$;
comment on function registry.import_columns(text) is 'The columns of a file of one kind (areas, compounds, buildings, households, lifts, devices, parties, responsibilities): type, bounds (for text: high is the greatest length), the table''s column and what an empty field becomes there.';

create or replace function registry.import_key(p_kind text) returns text[]
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select case p_kind when 'households' then array['building', 'door'] when 'devices' then array['device', 'unit']
        when 'responsibilities' then array['lift', 'party', 'from_on'] else array['code'] end
$$;
comment on function registry.import_key(text) is 'The columns that together name one thing in a file of this kind.';

create or replace function registry.import_begin(p_kind text) returns void
    language plpgsql set search_path = pg_catalog, pg_temp set client_min_messages = warning
as $$
declare
    v_columns text;
begin
    select string_agg(format('%I text', c.name), ', ') into v_columns from registry.import_columns(p_kind) c;
    if v_columns is null then
        raise exception using errcode = '22023', message = format('there is nothing to import of kind %L', p_kind);
    end if;
    -- Two imports at the same moment would check against what the other is about to change.
    perform pg_advisory_xact_lock('registry.area'::regclass::oid::bigint);
    drop table if exists pg_temp.import_in, pg_temp.import_bad;
    execute format('create temporary table import_in (line bigint not null, %s) on commit drop', v_columns);
    create temporary table import_bad (line bigint not null, column_name text, reason text not null, sentence text not null,
        landed boolean not null default false) on commit drop;
end $$;
comment on function registry.import_begin(text) is 'Makes the temporary tables of one import, to last until the end of the transaction.';

create or replace function registry.import_date(p_text text) returns date
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select case when p_text ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and p_text >= '0001'
        and right(p_text, 2)::int <= case
            when substr(p_text, 6, 2) in ('04', '06', '09', '11') then 30
            when substr(p_text, 6, 2) <> '02' then 31
            when left(p_text, 4)::int % 4 = 0 and (left(p_text, 4)::int % 100 <> 0 or left(p_text, 4)::int % 400 = 0) then 29
            else 28 end
        then make_date(left(p_text, 4)::int, substr(p_text, 6, 2)::int, right(p_text, 2)::int) end
$$;
comment on function registry.import_date(text) is 'The day a text yyyy-mm-dd names, or null when there is no such day.';

create or replace function registry.import_boolean(p_text text) returns boolean
    language sql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
    select case when lower(p_text) in ('true', 't', 'yes', 'y', '1', '是', '有') then true
        when lower(p_text) in ('false', 'f', 'no', 'n', '0', '否', '无') then false end
$$;
comment on function registry.import_boolean(text) is 'Yes or no as people write it, or null.';

create or replace function registry.import_objections(p_type text, p_low numeric, p_high numeric, p_choices text[])
    returns table (reason text, test text, sentence text)
    language sql immutable set search_path = pg_catalog, pg_temp
as $$
    -- test and sentence are SQL over v, the field's text; tests are tried in this order, the first that is true counts.
    select o.reason, o.test, o.sentence
    from (values
        (1, 'text', 'control_character', 'v ~ ''[[:cntrl:]]''', '''holds a control character'''),
        (2, 'text', 'too_long', format('length(v) > %s', coalesce(p_high, 400)), format('''is longer than %s characters''', coalesce(p_high, 400))),
        (3, 'code', 'not_a_code', 'v !~ ''^[A-Za-z0-9_-]{1,40}$''', '''is not 1 to 40 of A-Z a-z 0-9 _ -'''),
        (4, 'integer', 'not_a_number', 'v !~ ''^[+-]?[0-9]{1,15}$''', '''is not a whole number'''),
        (5, 'number', 'not_a_number', 'v !~ ''^[+-]?[0-9]{1,15}([.][0-9]{1,20})?$''', '''is not a number'''),
        (6, 'range', 'out_of_range', format('v::numeric < %s or v::numeric > %s', p_low, p_high), format('''is not between %s and %s''', p_low, p_high)),
        (7, 'floor', 'out_of_range', 'v::numeric = 0', '''is no storey: the ground floor is 1, the one below it -1'''),
        (8, 'date', 'not_a_date', 'registry.import_date(v) is null', '''is not a day (yyyy-mm-dd)'''),
        (9, 'boolean', 'not_yes_or_no', 'registry.import_boolean(v) is null', '''is neither yes nor no'''),
        (10, 'choice', 'not_a_choice', format('v <> all (%L::text[])', p_choices), format('''is none of %s''', array_to_string(p_choices, ', '))),
        (11, 'area', 'unknown_area', 'not exists (select from registry.area x where x.code = v)', '''is not the code of an area'''),
        (12, 'compound', 'unknown_compound', 'not exists (select from registry.compound x where x.code = v)', '''is not the code of a compound'''),
        (13, 'building', 'unknown_building', 'not exists (select from registry.building x where x.code = v)', '''is not the code of a building'''),
        (14, 'lift', 'unknown_lift', 'not exists (select from registry.lift x where x.code = v)', '''is not the code of a lift'''),
        (15, 'party', 'unknown_party', 'not exists (select from registry.party x where x.code = v)', '''is not the code of a party''')
    ) o (place, type, reason, test, sentence)
    where o.type = p_type
        or (o.type = 'range' and p_type in ('integer', 'number', 'floor'))
        or (o.type = 'integer' and p_type = 'floor')
    order by o.place
$$;
comment on function registry.import_objections(text, numeric, numeric, text[]) is 'What can be wrong with a field of a type: a stable reason, the test and the sentence, both SQL over v.';

create or replace function registry.import_check_column(p_name text, p_type text, p_required boolean, p_low numeric, p_high numeric, p_choices text[], p_optional boolean) returns void
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_reasons text;
    v_sentences text;
begin
    select string_agg(format('when %s then %L', o.test, o.reason), ' '),
        string_agg(format('when %s then %s', o.test, o.sentence), ' ')
    into v_reasons, v_sentences
    from registry.import_objections(p_type, p_low, p_high, p_choices) o;
    if p_required then
        execute format('insert into import_bad (line, column_name, reason, sentence)
            select i.line, %L, ''missing'', ''must not be empty'' from import_in i
            where i.%I is null and not exists (select from import_bad b where b.line = i.line and b.column_name = %1$L)', p_name, p_name);
    end if;
    execute format('insert into import_bad (line, column_name, reason, sentence, landed)
        select x.line, %L, x.reason, quote_literal(regexp_replace(left(x.v, 60), ''[[:cntrl:]]'', '' '', ''g'')) || '' '' || case %s end, %L
        from (select i.line, i.%I as v, case %s end as reason from (select line, %4$I, %4$I as v from import_in where %4$I is not null) i) x
        where x.reason is not null', p_name, v_sentences, p_optional, p_name, v_reasons);
    if p_optional then
        execute format('update import_in i set %I = null from import_bad b
            where b.line = i.line and b.column_name = %L and b.landed', p_name, p_name);
    end if;
end $$;
comment on function registry.import_check_column(text, text, boolean, numeric, numeric, text[], boolean) is 'Objects to every field of one column that is not what its type asks. An optional field that is wrong is emptied, noted, and its row lands.';

create or replace function registry.import_check(p_kind text, p_optional text[], p_first boolean) returns bigint
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text;
    v_folded bigint := 0;
    v_column record;
begin
    if p_kind = 'devices' then
        update import_in set unit = '0' where unit is null;
    end if;
    select string_agg(quote_ident(k), ', ') into v_key from unnest(registry.import_key(p_kind)) k;
    if not p_first then
        execute format('insert into import_bad (line, column_name, reason, sentence)
            select r.line, %L, ''repeated'', format(''names the same as line %%s'', r.first)
            from (select line, row_number() over w as n, first_value(line) over w as first from import_in i
                where (%s) is not null window w as (partition by %2$s order by line)) r
            where r.n > 1', array_to_string(registry.import_key(p_kind), '+'), v_key);
    end if;
    for v_column in select * from registry.import_columns(p_kind) loop
        perform registry.import_check_column(v_column.name, v_column.type, v_column.required, v_column.low, v_column.high,
            v_column.choices, v_column.name = any (p_optional) and not v_column.required);
    end loop;
    if p_first then
        -- Into the first line that is right: a wrong one before it must not take the thing away.
        analyze import_bad;
        execute format('delete from import_in i using (
                select line, row_number() over (partition by %s order by line) as n from import_in where line in (select registry.import_good())) r
            where r.line = i.line and r.n > 1', v_key);
        get diagnostics v_folded = row_count;
        delete from import_bad b where b.landed and not exists (select from import_in i where i.line = b.line);
    end if;
    return v_folded;
end $$;
comment on function registry.import_check(text, text[], boolean) is 'Checks every row of import_in by the columns of its kind. Rows that name the same thing twice are wrong, or with p_first folded into the first that is right; returns how many were folded.';
