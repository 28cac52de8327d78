-- Accounts: what names, roles and scopes can be, what changes end, and what each account may see.
begin;
\ir lib/world.sql
select no_plan();
delete from auth.user_area;
delete from auth.user_firm;
delete from auth.session;
alter table auth.audit disable trigger append_only;
delete from auth.audit;
delete from auth.user_account;

create function pg_temp.make(p_name text, p_roles text[], p_areas text[] default null, p_firm text default null,
    p_hash text default '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA', p_display text default 'X') returns bigint language sql as $$
    select auth.create_user(p_name, p_display, p_roles, p_hash, null, p_areas, p_firm) $$;
create function pg_temp.id(p_name text) returns bigint language sql as 'select id from auth.user_account where lower(name) = lower(p_name)';

-- Making.
select throws_ok(format('select pg_temp.make(%L, %L)', v.name, '{fund}'), 'LP422', null, 'name ' || quote_literal(v.name))
from (values (''), (' a'), ('a '), (E'a\tb'), (E'a\nb'), (repeat('x', 65))) v (name);
select lives_ok(format('select pg_temp.make(%L, %L)', v.name, '{fund}'), 'name ' || v.name) from (values ('a'), ('王 调度'), ('a.b@c'), (repeat('x', 64))) v (name);
select throws_ok('select pg_temp.make(''A'', ''{fund}'')', 'LP409', null, 'names differ in more than case');
select throws_ok(format('select pg_temp.make(''n'', %L::text[], %L::text[], %L)', v.roles, v.areas, v.firm), 'LP422', null, v.why)
from (values ('{}', null, null, 'no role'), (null, null, null, 'null for roles'), ('{king}', null, null, 'an unknown role'), ('{fund,fund}', null, null, 'a role twice'), ('{planner}', null, null, 'a planner without a firm'),
    ('{planner}', '{}', null, 'with no areas either'), ('{admin}', '{g1}', null, 'an admin with areas'), ('{admin}', null, 'fa', 'or a firm'), ('{wallboard}', null, null, 'a wall screen with a password'),
    ('{wallboard,fund}', null, null, 'a wall screen that is something else'), ('{fund}', '{nowhere}', null, 'an unknown area'), ('{fund}', '{NULL}', null, 'null for an area'), ('{fund}', null, 'nobody', 'an unknown firm')) v (roles, areas, firm, why);
select throws_ok('select pg_temp.make(''n'', ''{fund}'', null, null, null)', 'LP422', null, 'a person without a password');
select throws_ok('select pg_temp.make(''n'', ''{fund}'', null, null, ''plain'')', '23514', null, 'a password that is no argon2id hash');
select throws_ok('select pg_temp.make(''n'', ''{fund}'', p_display => '''')', 'LP422', null, 'an empty display name');
select throws_ok('insert into auth.user_account (name, display_name, roles) values (''n'', ''n'', ''{king}'')', '23514', null, 'the table itself knows the roles');
select throws_ok('insert into auth.user_account (name, display_name, roles) values (''n'', ''n'', ''{NULL}'')', '23514', null, 'and that null is none');
select is((select array [user_name, action, object, detail ->> 'roles'] from auth.audit where object = 'a'), array ['postgres', 'user.create', 'a', '["fund"]'], 'it is written down');

-- Scope.
select pg_temp.make('firm', '{planner}', null, 'fa'), pg_temp.make('both', '{technician}', '{g1,g2}', 'fb'), pg_temp.make('area', '{dispatcher}', '{m1}'),
    pg_temp.make('all', '{dispatcher}'), pg_temp.make('root', '{admin}'), pg_temp.make('mixed', '{planner,auditor}', null, 'fb'), pg_temp.make('sub', '{fund}', '{dpq}') \gset ignored_
select is(row(s.sees_all, (select array_agg(l.code::text order by l.code) from registry.lift l where l.id = any (s.lifts)),
              (select array_agg(a.code::text order by a.code) from registry.area a where a.id = any (s.areas)))::text, v.expected, 'scope of ' || v.name)
from (values ('firm', '(f,{L1},)'), ('both', '(f,"{L2,L3}",)'), ('area', '(f,{L5},{m1})'), ('all', '(t,,)'), ('root', '(t,,)'), ('mixed', '(f,"{L2,L3}",)'),
    ('sub', '(f,"{L1,L2,L3,L4,L5}","{dpq,g1,g2,m1}")')) v (name, expected), auth.scope_of(pg_temp.id(v.name)) s;
select is((auth.scope_of(-1)).sees_all, false, 'who isn''t there sees nothing');
select throws_ok('delete from registry.area where code = ''m1''', '23503', null, 'an area that limits an account stays: with it the limit would go');
update registry.compound set area_id = (select id from registry.area where code = 'g2') where code = 'c3';
select throws_ok('delete from registry.area where code = ''m1''', '23503', null, 'even when it is empty');
select is((auth.scope_of(pg_temp.id('area'))).lifts, '{}', 'it sees nothing then, not everything');
delete from registry.responsibility where lift_id = pg_temp.lift('L1') and role = 'maintenance_firm';
select is((auth.scope_of(pg_temp.id('firm'))).lifts, '{}', 'a contract that ended counts at once');

-- Changing.
create function pg_temp.state(p_name text) returns text language sql as $$
    select concat_ws(' ', u.display_name, u.language, u.roles::text, (u.disabled_at is not null)::text,
        (select string_agg(a.code, ',') from auth.user_area x join registry.area a on a.id = x.area_id where x.user_id = u.id),
        (select p.code from auth.user_firm x join registry.party p on p.id = x.party_id where x.user_id = u.id))
    from auth.user_account u where u.name = p_name $$;
select is(pg_temp.state('firm'), 'X zh {planner} false fa', 'as made');
select auth.change_user(pg_temp.id('firm'), '{"display_name":"Y","language":"en"}') \gset ignored_
select is(pg_temp.state('firm'), 'Y en {planner} false fa', 'name and language change alone');
select auth.change_user(pg_temp.id('firm'), '{"roles":["fund"],"scope":{"areas":["g1"]}}') \gset ignored_
select is(pg_temp.state('firm'), 'Y en {fund} false g1', 'a new scope replaces the old one');
select auth.change_user(pg_temp.id('firm'), '{"scope":{"areas":null,"firm":"fb"}}') \gset ignored_
select is(pg_temp.state('firm'), 'Y en {fund} false fb', 'wholly');
select auth.change_user(pg_temp.id('firm'), '{"scope":{}}') \gset ignored_
select is(pg_temp.state('firm'), 'Y en {fund} false', 'even by nothing');
select throws_ok(format('select auth.change_user(pg_temp.id(%L), %L)', v.name, v.change), v.state, null, v.name || ' ' || v.change)
from (values ('both', '{"scope":{}}', 'LP422'), ('both', '{"roles":["admin"]}', 'LP422'), ('all', '{"roles":["planner"]}', 'LP422'), ('all', '{"roles":["wallboard"]}', 'LP422'),
    ('root', '{"disabled":true}', 'LP409'), ('root', '{"roles":["fund"]}', 'LP409'), ('all', '{"roles":[]}', 'LP422'), ('all', '{"hash":"plain"}', '23514')) v (name, change, state);
select throws_ok('select auth.change_user(-1, ''{"disabled":true}'')', 'LP404', null, 'nobody');
select pg_temp.make('root2', '{admin}') \gset ignored_
select lives_ok('select auth.change_user(pg_temp.id(''root''), ''{"disabled":true}'')', 'with a second admin the first one can go');
select throws_ok('select auth.change_user(pg_temp.id(''root2''), ''{"disabled":true}'')', 'LP409', null, 'a disabled one doesn''t count');
select auth.change_user(pg_temp.id('all'), '{"hash":"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBB"}') \gset ignored_
select is((select detail from auth.audit where action = 'user.change' and object = 'all'), jsonb_build_object('id', pg_temp.id('all'), 'new_password', true), 'a new password is written down without itself');

-- Who may.
select ok(auth.may_administer(), 'the owner of the database, on the server');
select is(pg_has_role(v.login, 'liftd_owner', 'member'), false, 'but not ' || v.login) from (values ('liftd_web'), ('liftd_ingest'), ('liftd_api')) v (login);

select * from finish();
rollback;
