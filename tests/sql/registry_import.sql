-- Reading the registry from files: what is objected to, what lands, and that landing twice changes nothing.
begin;
select no_plan();

-- feeds rows given as text and tells what became of them: "inserted/updated/unchanged/folded; line column reason, ..."
create function pg_temp.feed(p_kind text, p_columns text[], p_rows text[][], p_optional text[] = '{}', p_first boolean = false) returns text
    language plpgsql as $$
declare
    v_line bigint := 1;
    v_row text[];
    v_told text;
begin
    perform registry.import_begin(p_kind);
    foreach v_row slice 1 in array p_rows loop
        v_line := v_line + 1;
        execute format('insert into import_in (line, %s) select %s, %s', (select string_agg(quote_ident(c), ', ') from unnest(p_columns) c),
            v_line, (select string_agg(coalesce(quote_literal(nullif(v, '')), 'null'), ', ') from unnest(v_row) v));
    end loop;
    select format('%s/%s/%s/%s', a.inserted, a.updated, a.unchanged, a.folded) into v_told from registry.import_apply(p_kind, p_columns, p_optional, p_first) a;
    return v_told || coalesce((select '; ' || string_agg(format('%s %s %s%s', b.line, coalesce(b.column_name, '-'), b.reason, case when b.landed then ' landed' end), ', ' order by b.line, b.column_name, b.reason) from import_bad b), '');
end $$;

-- the columns
select is((select string_agg(name, ',') from registry.import_columns('areas')), 'code,kind,parent,name_zh,name_en', 'columns in their order');
select is_empty($$select * from registry.import_columns('pigs')$$, 'an unknown kind has none');
select is((select count(*)::int from unnest(array['areas', 'compounds', 'buildings', 'households', 'lifts', 'devices', 'parties', 'responsibilities']) k
    where not (registry.import_key(k) <@ (select array_agg(name) from registry.import_columns(k)))), 0, 'every key is made of columns');
select throws_ok($$select registry.import_begin('pigs')$$, '22023', null, 'an unknown kind cannot be imported');
select is((select count(*)::int from (values ('households', 'building', 'door'), ('areas', 'code', null)) v (k, a, b) where registry.import_key(v.k) = array_remove(array[v.a, v.b], null)), 2, 'keys');

-- dates and yes or no
select is(registry.import_date('2024-02-29'), '2024-02-29'::date, 'a leap day');
select is(registry.import_date('2000-02-29'), '2000-02-29'::date, 'a leap day of a full century');
select is(registry.import_date('0001-01-01'), '0001-01-01'::date, 'the first day');
select is(registry.import_date('9999-12-31'), '9999-12-31'::date, 'the last day');
select is((select count(registry.import_date(t))::int from unnest(array['2023-02-29', '1900-02-29', '2024-04-31', '2024-13-01', '2024-00-01', '2024-01-00', '2024-01-32', '0000-01-01', '20240101', '2024-1-1', '', ' 2024-01-01', 'today', '2024-01-01x']) t), 0, 'these are no days');
select is((select array_agg(registry.import_boolean(t)) from unnest(array['yes', 'NO', '1', '0', '是', '否', 'maybe', '']) t), array[true, false, true, false, true, false, null, null], 'yes and no');

-- areas: levels in any order, one transaction
select is(pg_temp.feed('areas', '{code,kind,parent,name_zh,name_en}', array[['m1', 'micro_grid', 'g1', 'M', ''], ['g1', 'grid', 's1', 'G', 'Grid'], ['s1', 'subdistrict', '', 'S', '']]), '3/0/0/0', 'areas in any order');
select is((select string_agg(name_en, ',' order by code) from registry.area), 'Grid,M,S', 'the English name is the Chinese one where it is missing');
select is(pg_temp.feed('areas', '{code,kind,parent,name_zh,name_en}', array[['m1', 'micro_grid', 'g1', 'M', ''], ['g1', 'grid', 's1', 'G', 'Grid'], ['s1', 'subdistrict', '', 'S', '']]), '0/0/3/0', 'reading them again changes nothing');
select is(pg_temp.feed('areas', '{code,kind,name_zh}', array[['s1', 'subdistrict', 'S neu']]), '0/1/0/0', 'a changed name is a change');
select is((select name_zh || '/' || name_en from registry.area where code = 's1'), 'S neu/S', 'a column that the file lacks stays');
select is(pg_temp.feed('areas', '{code,kind,name_zh}', array[['g1', 'grid', 'G neu'], ['gx', 'grid', 'x']]), '0/1/0/0; 3 parent unknown_area', 'and so does the parent; a new area needs one');
select is((select p.code::text from registry.area a join registry.area p on p.id = a.parent_id where a.code = 'g1'), 's1', 'the parent stays');
select is(pg_temp.feed('areas', '{code,kind,parent,name_zh}', array[['g2', 'grid', '', 'x'], ['g3', 'grid', 'nowhere', 'x'], ['g4', 'grid', 'g1', 'x'], ['s2', 'subdistrict', 's1', 'x'], ['g1', 'micro_grid', 'g1', 'x'], ['a b', 'grid', 's1', 'x'], ['g5', 'district', 's1', 'x'], ['g6', 'grid', 's1', '']]),
    '0/0/0/0; 2 parent unknown_area, 3 parent unknown_area, 4 parent unknown_area, 5 parent not_allowed, 6 kind kind_changed, 7 code not_a_code, 8 kind not_a_choice, 9 name_zh missing', 'what can be wrong with an area');
select is(pg_temp.feed('areas', '{code,kind,parent,name_zh}', array[['s3', 'pig', '', 'x'], ['g7', 'grid', 's3', 'x'], ['m2', 'micro_grid', 'g7', 'x']]), '0/0/0/0; 2 kind not_a_choice, 3 parent unknown_area, 4 parent unknown_area', 'a wrong parent takes its children with it');

-- compounds, buildings, households
select is(pg_temp.feed('compounds', '{code,area,name_zh,address,lon,lat}', array[['c1', 'g1', 'C', 'street', '121.47', '31.2'], ['c2', 'm1', 'C', '', '', '']]), '2/0/0/0', 'compounds');
select is(pg_temp.feed('compounds', '{code,area,name_zh,address,lon,lat}', array[['c1', 'g1', 'C', '', '121.470', '31.2']]), '0/1/0/0', 'an emptied field is a change');
select results_eq($$select address, lon, lat from registry.compound where code = 'c1'$$, $$values ('', 121.47::float8, 31.2::float8)$$, 'and empties it');
select is(pg_temp.feed('compounds', '{code,area,name_zh,lon,lat}', array[['c3', '', 'C', '', ''], ['c4', 'nowhere', 'C', '', ''], ['c5', 'g1', 'C', '181', '0'], ['c6', 'g1', 'C', '1', ''], ['c7', 'g1', 'C', 'east', '1'], ['c8', 'g1', 'C', '1e1', '1'], ['c1', 'g1', E'C\u0007', '', '']]),
    '0/0/0/0; 2 area missing, 3 area unknown_area, 4 lon out_of_range, 5 lat missing, 6 lon not_a_number, 7 lon not_a_number, 8 name_zh control_character', 'what can be wrong with a compound');
select is(pg_temp.feed('compounds', '{code,area,name_zh,lon,lat}', array[['c7', 'g1', 'C', 'east', 'west']], '{lon,lat}'), '1/0/0/0; 2 lat not_a_number landed, 2 lon not_a_number landed', 'optional fields that are wrong are noted and left unknown');
select is(pg_temp.feed('compounds', '{code,area,name_zh}', array[['c9', 'g1', '']], '{name_zh}'), '0/0/0/0; 2 name_zh missing', 'a required field cannot be optional');
select is(pg_temp.feed('buildings', '{code,compound,area,name_zh,floors}', array[['b1', 'c1', 'm1', 'B', '6'], ['b2', 'c1', '', 'B', '']]), '2/0/0/0', 'buildings');
select is(pg_temp.feed('buildings', '{code,compound,name_zh,floors}', array[['b3', 'c0', 'B', '6'], ['b4', 'c1', 'B', '0'], ['b5', 'c1', 'B', '6.5'], ['b6', 'c1', 'B', '99999999999999999999'], [repeat('x', 41), 'c1', 'B', '1'], ['b7', 'c1', repeat('x', 401), '1']]),
    '0/0/0/0; 2 compound unknown_compound, 3 floors out_of_range, 4 floors not_a_number, 5 floors not_a_number, 6 code not_a_code, 7 name_zh too_long', 'what can be wrong with a building');
select is(pg_temp.feed('households', '{building,door,floor,area_m2,coefficient}', array[['b1', '101', '1', '60.5', '0'], ['b1', '201', '2', '', ''], ['b2', '101', '1', '60.5', '1.25']]), '3/0/0/0', 'households');
select is((select coefficient from registry.household where door = '201'), 1::numeric, 'a share is 1 where nothing is said');
select is(pg_temp.feed('households', '{building,door,floor}', array[['b1', '101', '1'], ['b1', '102', '0'], ['b1', '103', '301'], ['b1', '104', 'x'], ['b1', '105', '2'], ['b1', '105', '3'], ['', '106', '1'], ['b1', '101', '1']]),
    '1/0/1/0; 3 floor out_of_range, 4 floor out_of_range, 5 floor not_a_number, 7 building+door repeated, 8 building missing, 9 building+door repeated', 'what can be wrong with a household');
select is(pg_temp.feed('households', '{building,door,floor}', array[['b1', '901', 'x'], ['b1', '901', '9'], ['b1', '901', '8'], ['', '1', '1'], ['', '1', '1']], '{}', true), '1/0/0/1; 2 floor not_a_number, 5 building missing, 6 building missing', 'repeated lines fold into the first that is right, nameless ones don''t');
select is((select floor::int from registry.household where door = '901'), 9, 'and that one counts');

-- lifts
select is(pg_temp.feed('lifts', '{code,building,name_zh,stage,floors,rear_door,in_service_on,registration}', array[['L1', 'b1', 'L', 'in_service', '6', '是', '2024-02-29', 'R1'], ['L2', 'b2', 'L', 'to_start', '', '', '', ''], ['L3', 'b2', 'L', 'scrapped', '', 'no', '', '']]), '3/0/0/0', 'lifts');
select results_eq($$select kind, model, rear_door, in_service_on, registration from registry.lift where code in ('L1', 'L2') order by code$$, $$values ('passenger', '', true, '2024-02-29'::date, 'R1'), ('passenger', '', false, null, null)$$, 'with their defaults');
select is(pg_temp.feed('lifts', '{code,building,name_zh,stage,rear_door,in_service_on,rated_load_kg,registration}', array[['L4', 'b1', 'L', 'running', '', '', '', ''], ['L5', 'b1', 'L', 'signed', 'perhaps', '', '', ''], ['L6', 'b1', 'L', 'signed', '', '2023-02-29', '', ''], ['L7', 'b1', 'L', 'signed', '', '', '-1', ''], ['L8', 'b1', 'L', 'signed', '', '', '', 'R1'], ['L9', 'b9', 'L', 'signed', '', '', '', 'R2'], ['L10', 'b1', 'L', 'signed', '', '', '', 'R2']]),
    '0/0/0/0; 2 stage not_a_choice, 3 rear_door not_yes_or_no, 4 in_service_on not_a_date, 5 rated_load_kg out_of_range, 6 registration repeated, 7 building unknown_building, 8 registration repeated', 'what can be wrong with a lift');
select is(pg_temp.feed('lifts', '{code,building,name_zh,stage,rated_load_kg}', array[['L4', 'b1', 'L', 'signed', 'heavy']], '{rated_load_kg}'), '1/0/0/0; 2 rated_load_kg not_a_number landed', 'a lift lands without what could not be read');
select is(pg_temp.feed('lifts', '{code,building,name_zh,stage}', array[['L4', 'b1', 'L', 'suspended']]), '0/1/0/0', 'a stage changes');
select is((select name_en || kind || floors from registry.lift where code = 'L1'), 'Lpassenger6', 'columns not in a file stay');

-- parties and responsibilities
select is(pg_temp.feed('parties', '{code,kind,name_zh,phone}', array[['fa', 'maintenance_firm', 'A', '1'], ['fb', 'maintenance_firm', 'B', ''], ['um', 'use_manager', 'U', '']]), '3/0/0/0', 'parties');
select is(pg_temp.feed('parties', '{code,kind,name_zh,phone}', array[['x1', 'friend', 'A', ''], ['x2', 'bank', 'B', repeat('1', 41)]]), '0/0/0/0; 2 kind not_a_choice, 3 phone too_long', 'what can be wrong with a party');
select is(pg_temp.feed('responsibilities', '{lift,party,from_on,to_on}', array[['L1', 'fa', '2026-01-01', '2026-06-30'], ['L1', 'fb', '2026-07-01', ''], ['L1', 'um', '2026-01-01', '']]), '3/0/0/0', 'responsibilities one after another');
select is(pg_temp.feed('responsibilities', '{lift,party,from_on,to_on}', array[['L1', 'fa', '2026-01-01', '2026-06-30'], ['L1', 'fb', '2026-07-01', ''], ['L1', 'um', '2026-01-01', '']]), '0/0/3/0', 'again: nothing changes');
select is(pg_temp.feed('responsibilities', '{lift,party,from_on,to_on}', array[['L9', 'fa', '2026-01-01', ''], ['L1', 'fx', '2026-01-01', ''], ['L2', 'fa', '', ''], ['L2', 'fa', '2026-01-02', '2026-01-01'], ['L1', 'fa', '2026-08-01', ''], ['L2', 'fa', '2026-01-01', '2026-12-31'], ['L2', 'fb', '2026-12-31', '']]),
    '1/0/0/0; 2 lift unknown_lift, 3 party unknown_party, 4 from_on missing, 5 to_on out_of_range, 6 from_on overlaps, 8 from_on overlaps', 'what can be wrong with a responsibility');
select is(pg_temp.feed('responsibilities', '{lift,party,from_on,to_on}', array[['L1', 'fb', '2026-07-01', '2026-12-31'], ['L1', 'fa', '2027-01-01', '']]), '1/1/0/0', 'ending one makes room for the next');
select is(pg_temp.feed('responsibilities', '{lift,party,from_on,to_on}', array[['L1', 'fa', '2026-01-01', '2026-12-31']]), '0/0/0/0; 2 from_on overlaps', 'one cannot be made longer over the next');
select is(pg_temp.feed('responsibilities', '{lift,party,from_on,to_on}', array[['L1', 'fx', '2027-01-01', '2027-06-30'], ['L1', 'fb', '2027-07-01', '']]), '0/0/0/0; 2 party unknown_party, 3 from_on overlaps', 'a wrong line does not end what stands');
select is(pg_temp.feed('responsibilities', '{lift,party,from_on,to_on}', array[['L1', 'fb', '2026-01-01', '2026-06-30']]), '0/1/0/0', 'the same first day: the party is corrected');
select is(pg_temp.feed('parties', '{code,kind,name_zh}', array[['fa', 'bank', 'A']]), '0/0/0/0; 2 kind kind_changed', 'a party that answers for lifts stays what it is');

-- devices
select is(pg_temp.feed('devices', '{device,area,unit,lift,note}', array[['gw', 'g1', '0', 'L1', 'n'], ['gw', 'g1', '1', 'L2', 'n'], ['t1', 'g1', '', '', '']]), '3/0/0/0', 'devices');
select is((select string_agg(format('%s:%s:%s', d.device, u.unit, l.code), ' ' order by u.unit) from registry.device_unit u join registry.device d on d.id = u.device_id join registry.lift l on l.id = u.lift_id where u.to_at is null), 'gw:0:L1 gw:1:L2', 'with their bindings');
select is(pg_temp.feed('devices', '{device,area,unit,lift,note}', array[['gw', 'g1', '0', 'L1', 'n'], ['gw', 'g1', '1', 'L2', 'n'], ['t1', 'g1', '0', '', '']]), '0/0/3/0', 'again: nothing changes');
select is((select count(*)::int from registry.device_unit), 2, 'and no epoch is spent');
select is(pg_temp.feed('devices', '{device,area,unit,lift}', array[['t1', 'm1', '0', 'L1']]), '0/1/0/0', 'a terminal takes over');
select is((select string_agg(format('%s:%s', d.device, l.code), ' ' order by d.device) from registry.device_unit u join registry.device d on d.id = u.device_id join registry.lift l on l.id = u.lift_id where u.to_at is null), 'gw:L2 t1:L1', 'and the gateway''s unit ends');
select is(pg_temp.feed('devices', '{device,area,unit,lift}', array[['x/1', 'g1', '0', ''], ['x2', 'nowhere', '0', ''], ['x3', 'g1', '256', ''], ['x4', 'g1', '0', 'L99'], ['x5', 'g1', '0', 'L3'], ['x6', 'g1', '0', 'L4'], ['x7', 'g1', '0', 'L4'], ['x8', 'g1', '0', ''], ['x8', 'g1', '', ''], ['x9', 'g1', '0', ''], ['x9', 'm1', '1', '']]),
    '3/0/0/0; 2 device not_a_code, 3 area unknown_area, 4 unit out_of_range, 5 lift unknown_lift, 6 lift scrapped, 8 lift repeated, 10 device+unit repeated, 12 area contradicts', 'what can be wrong with a device');

-- the parts
select is(registry.import_value('floors', 'integer', null), 'i.floors::bigint', 'a number''s value');
select is(registry.import_value('name_en', 'text', 'name_zh'), 'coalesce(i.name_en, i.name_zh)', 'another column stands in');
select is(registry.import_value('note', 'text', ''''''), 'coalesce(i.note, '''')', 'a constant stands in');
select is(registry.import_value('rear_door', 'boolean', 'false'), 'coalesce(registry.import_boolean(i.rear_door), false)', 'and so does no');
select is((select string_agg(reason, ',') from registry.import_objections('floor', -100, 300, null)), 'not_a_number,out_of_range,out_of_range', 'objections in their order');
select registry.import_begin('areas');
insert into import_in (line, code, kind, name_zh) values (2, 'zz', 'grid', 'z'), (3, 'yy', 'pig', 'y'), (4, 'yy', 'grid', 'y');
select is(registry.import_check('areas', '{}', false), 0::bigint, 'checking alone folds nothing');
select is((select array_agg(l order by l) from registry.import_good() l), array[2]::bigint[], 'and leaves the good lines');
select lives_ok($$select registry.import_check_column('name_en', 'text', true, null, null, null, false)$$, 'a column can be checked alone');
select is((select count(*)::int from import_bad where column_name = 'name_en'), 3, 'and each empty field is told once');
select results_eq($$select * from registry.import_upsert('areas', '{code,kind,name_zh}', '{}')$$, $$values (0::bigint, 0::bigint)$$, 'no lines, no changes');
select registry.import_begin('areas');
select results_eq($$select * from registry.import_areas('{code,kind,name_zh}')$$, $$values (0::bigint, 0::bigint)$$, 'an empty file is no change: areas');
select registry.import_begin('lifts');
select results_eq($$select * from registry.import_places('lifts', '{code}')$$, $$values (0::bigint, 0::bigint)$$, 'an empty file is no change: lifts');
select registry.import_begin('devices');
select results_eq($$select * from registry.import_devices('{device}')$$, $$values (0::bigint, 0::bigint)$$, 'an empty file is no change: devices');
select registry.import_begin('responsibilities');
select results_eq($$select * from registry.import_responsibilities()$$, $$values (0::bigint, 0::bigint)$$, 'an empty file is no change: responsibilities');
select function_privs_are('registry', p.proname, (select array_agg(format_type(t, null)) from unnest(p.proargtypes::oid[]) t), 'liftd_api', '{}', p.proname || ' is not the API''s')
from pg_proc p where p.pronamespace = 'registry'::regnamespace and p.proname like 'import%';

select * from finish();
rollback;
