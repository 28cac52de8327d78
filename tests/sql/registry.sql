-- The registry's tables, what a session sees of them, and devices with their epochs.
begin;
select no_plan();

grant usage on schema tap to liftd_api;
insert into registry.area (code, kind, name_zh, name_en) values ('s1', 'subdistrict', '街道', 'S1'), ('s2', 'subdistrict', '街道二', 'S2');
insert into registry.area (code, kind, parent_id, name_zh, name_en)
select v.code, v.kind, a.id, v.code, v.code from (values ('g1', 'grid', 's1'), ('g2', 'grid', 's1')) v (code, kind, parent) join registry.area a on a.code = v.parent;
insert into registry.area (code, kind, parent_id, name_zh, name_en) select 'm1', 'micro_grid', id, 'm1', 'm1' from registry.area where code = 'g1';
insert into registry.compound (code, area_id, name_zh, name_en) select 'c' || right(code, 1), id, code, code from registry.area where code in ('g1', 'g2');
insert into registry.building (code, compound_id, name_zh, name_en) select 'b' || n, c.id, 'b', 'b' from registry.compound c, generate_series(1, 2) n where c.code = 'c1';
insert into registry.building (code, compound_id, area_id, name_zh, name_en)
select 'b3', c.id, a.id, 'b', 'b' from registry.compound c, registry.area a where c.code = 'c2' and a.code = 'm1';
insert into registry.lift (code, building_id, name_zh, name_en, stage) select 'L' || right(b.code, 1), b.id, 'l', 'l', 'in_service' from registry.building b;
insert into registry.lift (code, building_id, name_zh, name_en, stage) select 'L9', b.id, 'l', 'l', 'scrapped' from registry.building b where b.code = 'b1';
insert into registry.household (building_id, door, floor) select id, '101', 1 from registry.building;
insert into registry.party (code, kind, name_zh, name_en) values ('fa', 'maintenance_firm', 'A', 'A'), ('fb', 'maintenance_firm', 'B', 'B'), ('um', 'use_manager', 'U', 'U');

create function pg_temp.lift(p_code text) returns bigint language sql as 'select id from registry.lift where code = p_code';
create function pg_temp.area(p_code text) returns bigint language sql as 'select id from registry.area where code = p_code';
create function pg_temp.party(p_code text) returns bigint language sql as 'select id from registry.party where code = p_code';

-- areas: kinds nest, codes are safe
select throws_ok($$insert into registry.area (code, kind, name_zh, name_en) values ('x', 'grid', 'x', 'x')$$, '23514', null, 'a grid needs a parent');
select throws_ok($$insert into registry.area (code, kind, parent_id, name_zh, name_en) values ('x', 'subdistrict', pg_temp.area('s1'), 'x', 'x')$$, '23514', null, 'a subdistrict has none');
select throws_ok($$insert into registry.area (code, kind, parent_id, name_zh, name_en) values ('x', 'grid', pg_temp.area('g1'), 'x', 'x')$$, '23503', null, 'a grid lies in no grid');
select throws_ok($$insert into registry.area (code, kind, parent_id, name_zh, name_en) values ('x', 'micro_grid', pg_temp.area('s1'), 'x', 'x')$$, '23503', null, 'a micro-grid lies in no subdistrict');
select throws_ok($$update registry.area set kind = 'subdistrict', parent_id = null where code = 'g1'$$, '23503', null, 'a parent keeps its kind');
select throws_ok($$insert into registry.area (code, kind, name_zh, name_en) values ('a/b', 'subdistrict', 'x', 'x')$$, '23514', null, 'a code has no slash');
select throws_ok($$insert into registry.area (code, kind, name_zh, name_en) values (repeat('a', 41), 'subdistrict', 'x', 'x')$$, '23514', null, 'a code has 40 characters at most');
select throws_ok($$insert into registry.area (code, kind, name_zh, name_en) values ('s1', 'subdistrict', 'x', 'x')$$, '23505', null, 'a code is given once');
select throws_ok($$update registry.lift set stage = 'broken' where code = 'L1'$$, '23514', null, 'a stage is one of six');
select throws_ok($$update registry.compound set lon = 121 where code = 'c1'$$, '23514', null, 'longitude and latitude come together');
select throws_ok($$update registry.household set floor = 0$$, '23514', null, 'there is no storey 0');
select throws_ok($$insert into registry.household (building_id, door, floor) select id, '101', 2 from registry.building where code = 'b1'$$, '23505', null, 'a door is there once');

-- responsibilities
select lives_ok($$insert into registry.responsibility (lift_id, party_id, role, from_on, to_on) values
    (pg_temp.lift('L1'), pg_temp.party('fa'), 'maintenance_firm', '2026-01-01', '2026-06-30'),
    (pg_temp.lift('L1'), pg_temp.party('fb'), 'maintenance_firm', '2026-07-01', null),
    (pg_temp.lift('L1'), pg_temp.party('um'), 'use_manager', '2026-01-01', null),
    (pg_temp.lift('L2'), pg_temp.party('fa'), 'maintenance_firm', '2026-01-01', null)$$, 'one after another, and roles beside each other');
select throws_ok($$insert into registry.responsibility (lift_id, party_id, role, from_on) values (pg_temp.lift('L1'), pg_temp.party('fa'), 'maintenance_firm', '2027-01-01')$$, '23P01', null, 'two firms never at once');
select throws_ok($$insert into registry.responsibility (lift_id, party_id, role, from_on, to_on) values (pg_temp.lift('L1'), pg_temp.party('fb'), 'maintenance_firm', '2026-06-30', '2026-06-30')$$, '23P01', null, 'the last day counts');
select throws_ok($$insert into registry.responsibility (lift_id, party_id, role, from_on) values (pg_temp.lift('L2'), pg_temp.party('fa'), 'use_manager', '2026-01-01')$$, '23503', null, 'a role is its party''s kind');
select throws_ok($$insert into registry.responsibility (lift_id, party_id, role, from_on, to_on) values (pg_temp.lift('L3'), pg_temp.party('fa'), 'maintenance_firm', '2026-01-02', '2026-01-01')$$, '23514', null, 'it ends after it begins');
select is(registry.lift_ids_of_party(pg_temp.party('fa'), '2026-06-30'), array[pg_temp.lift('L1'), pg_temp.lift('L2')], 'firm A answers for two lifts on its last day');
select is(registry.lift_ids_of_party(pg_temp.party('fa'), '2026-07-01'), array[pg_temp.lift('L2')], 'and for one the day after');
select is(registry.lift_ids_of_party(pg_temp.party('fa'), '2025-12-31'), '{}'::bigint[], 'and for none the day before');

-- what lies in an area
select is((select array_agg(x order by x) from unnest(registry.area_ids_within('{s1}')) x), (select array_agg(id order by id) from registry.area where code in ('s1', 'g1', 'g2', 'm1')), 'an area and all inside it');
select is(registry.area_ids_within('{nowhere}'), '{}'::bigint[], 'an unknown code is no area');
select is((select array_agg(x order by x) from unnest(registry.lift_ids_within(registry.area_ids_within('{g1}'))) x), (select array_agg(id order by id) from registry.lift), 'lifts by compound and by building''s micro-grid');
select is(registry.lift_ids_within(registry.area_ids_within('{g2}')), array[pg_temp.lift('L3')], 'a building in another''s micro-grid is still its compound''s');
select is(registry.lift_ids_within('{}'), '{}'::bigint[], 'nothing lies nowhere');

-- devices
select registry.register_device('d1', 'g1', 'on the roof', jsonb_build_array(jsonb_build_object('lift_id', pg_temp.lift('L1')))) as told \gset
select is(:told::bigint, (select id from registry.device where device = 'd1'), 'a device is registered and its id told');
select results_eq($$select u.unit::int, l.code::text, a.code::text, d.note from registry.device_unit u join registry.device d on d.id = u.device_id join registry.lift l on l.id = u.lift_id join registry.area a on a.id = d.area_id where u.to_at is null$$,
    $$values (0, 'L1', 'g1', 'on the roof')$$, 'a unit without a number is unit 0');
select epoch as first from registry.device_unit where to_at is null \gset
select is(registry.bind_unit((select id from registry.device where device = 'd1'), 0::smallint, pg_temp.lift('L1')), :first, 'binding the same again keeps the epoch');
select is((select count(*)::int from registry.device_unit), 1, 'and adds nothing');
select lives_ok($$select registry.register_device('d1', 'g2', null, null)$$, 'a device moves to another area');
select results_eq($$select a.code::text, d.note from registry.device d join registry.area a on a.id = d.area_id$$, $$values ('g2', 'on the roof')$$, 'and keeps its note and units');
select cmp_ok(registry.replace_terminal(pg_temp.lift('L1'), 'd1', 0::smallint), '>', :first, 'a new terminal under the old name has a new epoch');
select is((select count(*)::int from registry.device_unit where to_at is null), 1, 'one binding is in force');
select registry.register_device('gw', 'g1', null, jsonb_build_array(jsonb_build_object('unit', 1, 'lift_id', pg_temp.lift('L1')), jsonb_build_object('unit', 2, 'lift_id', pg_temp.lift('L2')))) > 0;
select results_eq($$select d.device::text, u.unit::int, l.code::text from registry.device_unit u join registry.device d on d.id = u.device_id join registry.lift l on l.id = u.lift_id where u.to_at is null order by 2$$,
    $$values ('gw', 1, 'L1'), ('gw', 2, 'L2')$$, 'a gateway takes a lift over from a terminal');
select cmp_ok(registry.replace_terminal(pg_temp.lift('L2'), 'gw', 1::smallint), '>', 0, 'a unit changes its lift');
select results_eq($$select u.unit::int, l.code::text from registry.device_unit u join registry.lift l on l.id = u.lift_id where u.to_at is null$$, $$values (1, 'L2')$$, 'and both old bindings end');
select throws_ok($$insert into registry.device_unit (lift_id, device_id, unit) select pg_temp.lift('L2'), id, 7 from registry.device where device = 'd1'$$, '23505', null, 'a lift has one binding in force');
select throws_ok($$insert into registry.device_unit (lift_id, device_id, unit) select pg_temp.lift('L3'), id, 1 from registry.device where device = 'gw'$$, '23505', null, 'and so has a unit');

select throws_ok($$select registry.register_device('d/2', 'g1', null, null)$$, '22023', 'device ''d/2'' is not 1 to 40 of A-Z a-z 0-9 _ -', 'a name fits into a topic');
select throws_ok($$select registry.register_device(null, 'g1', null, null)$$, '22023', null, 'a device has a name');
select throws_ok($$select registry.register_device('d2', 'nowhere', null, null)$$, '22023', 'there is no area ''nowhere''', 'its area exists');
select throws_ok($$select registry.register_device('d2', 'g1', null, '{}')$$, '22023', 'units must be an array', 'units are an array');
select throws_ok($$select registry.register_device('d2', 'g1', null, '[1]')$$, '22023', null, 'of objects');
select throws_ok($$select registry.units_checked('[{"unit":256,"lift_id":1}]')$$, '22023', 'unit 256 is not 0 to 255', 'a unit is 0 to 255');
select throws_ok($$select registry.units_checked('[{"unit":-1,"lift_id":1}]')$$, '22023', 'unit -1 is not 0 to 255', 'and not negative');
select throws_ok($$select registry.units_checked('[{"unit":1.5,"lift_id":1}]')$$, '22023', null, 'and whole');
select throws_ok($$select registry.units_checked('[{"unit":1}]')$$, '22023', 'there is no lift null in use', 'a unit has a lift');
select throws_ok($$select registry.units_checked('[{"lift_id":999999999999999999}]')$$, '22023', null, 'a lift exists');
select throws_ok(format($$select registry.units_checked('[{"lift_id":%s}]')$$, pg_temp.lift('L9')), '22023', null, 'a scrapped lift gets no terminal');
select throws_ok(format($$select registry.units_checked('[{"lift_id":%1$s},{"unit":1,"lift_id":%1$s}]')$$, pg_temp.lift('L1')), '22023', null, 'a lift is named once');
select throws_ok(format($$select registry.units_checked('[{"lift_id":%s},{"lift_id":%s}]')$$, pg_temp.lift('L1'), pg_temp.lift('L2')), '22023', 'unit 0 is named twice', 'a unit is named once');
select is_empty($$select * from registry.units_checked(null)$$, 'no units are no rows');
select is_empty($$select * from registry.units_checked('[]')$$, 'nor is an empty list');
select throws_ok($$select registry.replace_terminal(-1, 'gw', 0::smallint)$$, '22023', null, 'replacing: the lift exists');
select throws_ok($$select registry.replace_terminal(pg_temp.lift('L9'), 'gw', 0::smallint)$$, '22023', null, 'replacing: and is in use');
select throws_ok($$select registry.replace_terminal(pg_temp.lift('L1'), 'nobody', 0::smallint)$$, '22023', 'there is no device ''nobody''; register it first', 'replacing: the device exists');
select throws_ok($$select registry.replace_terminal(pg_temp.lift('L1'), 'gw', 300::smallint)$$, '22023', 'unit 300 is not 0 to 255', 'replacing: the unit is possible');
select throws_ok($$select registry.replace_terminal(pg_temp.lift('L1'), 'gw', null)$$, '22023', null, 'replacing: the unit is told');
select lives_ok($$select registry.lock_bindings()$$, 'bindings can be locked');

-- every change of the way from device to lift is announced
select trigger_is('registry', t, 'announce_routing', 'registry', 'announce_routing', t || ' announces') from unnest(array['device', 'device_unit', 'area']) t;

-- what a session sees. The API's role has no say of its own: auth says which lifts.
create or replace function auth.sees_all() returns boolean language sql stable as $$select current_setting('test.all', true) = 'yes'$$;
create or replace function auth.lift_ids() returns bigint[] language sql stable as $$select coalesce(nullif(current_setting('test.lifts', true), ''), '{}')::bigint[]$$;
grant execute on function auth.sees_all(), auth.lift_ids() to liftd_api;
select set_config('test.lifts', '{' || pg_temp.lift('L2') || '}', true);
create function pg_temp.seen() returns text language sql as $$
    select format('%s areas, %s compounds, %s buildings, %s households, %s lifts, %s devices, %s units, %s parties, %s responsibilities',
        (select string_agg(code, '+' order by code) from registry.area), (select string_agg(code, '+') from registry.compound), (select string_agg(code, '+') from registry.building),
        (select count(*) from registry.household), (select string_agg(code, '+') from registry.lift), (select string_agg(device, '+') from registry.device),
        (select count(*) from registry.device_unit), (select string_agg(code, '+') from registry.party), (select count(*) from registry.responsibility))
$$;
grant execute on function pg_temp.seen(), pg_temp.lift(text) to liftd_api;
set local role liftd_api;
select set_config('test.seen', pg_temp.seen(), true) \gset ignored_
reset role;
select is(current_setting('test.seen'), 'g1+s1 areas, c1 compounds, b2 buildings, 1 households, L2 lifts, gw devices, 2 units, fa parties, 1 responsibilities', 'whoever sees a lift sees what is around it');
select set_config('test.lifts', '{' || pg_temp.lift('L3') || '}', true);
select is((select array_agg(a.code::text order by a.code) from registry.area a where a.id = any (registry.visible_area_ids())), array['g1', 'g2', 'm1', 's1'], 'areas of the compound and of the micro-grid, and what they lie in');
select is(registry.visible_building_ids(), array(select id from registry.building where code = 'b3'), 'visible buildings');
select is(registry.visible_compound_ids(), array(select id from registry.compound where code = 'c2'), 'visible compounds');
select is(registry.visible_device_ids(), '{}'::bigint[], 'a lift without a device shows none');
select is(registry.visible_party_ids(), '{}'::bigint[], 'a lift nobody answers for shows nobody');
select set_config('test.lifts', '', true);
set local role liftd_api;
select set_config('test.seen', pg_temp.seen(), true) \gset ignored_
reset role;
select is(current_setting('test.seen'), ' areas,  compounds,  buildings, 0 households,  lifts,  devices, 0 units,  parties, 0 responsibilities', 'whoever sees no lift sees nothing');
set local role liftd_api;
select throws_ok($$insert into registry.device (device, area_id) values ('d3', 1)$$, '42501', null, 'and registers nothing');
select throws_ok($$delete from registry.lift$$, '42501', null, 'the API deletes no lift');
select throws_ok($$update registry.lift set stage = 'scrapped'$$, '42501', null, 'nor changes one');
select throws_ok($$select registry.import_begin('areas')$$, '42501', null, 'nor imports');
select set_config('test.all', 'yes', true);
select is((select count(*)::int from registry.lift), 4, 'whoever sees all sees every lift');
select lives_ok($$select registry.register_device('d3', 'g2', null, jsonb_build_array(jsonb_build_object('lift_id', pg_temp.lift('L3'))))$$, 'and registers devices as the API');
select cmp_ok(registry.replace_terminal(pg_temp.lift('L3'), 'd3', 0::smallint), '>', 0, 'and replaces terminals');

select * from finish();
rollback;
