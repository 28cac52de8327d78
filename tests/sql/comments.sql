-- The catalog explains itself, and no function of raised rights can be led astray.
begin;
create function pg_temp.ours() returns setof oid language sql as $$
    select oid from pg_namespace where nspname in ('registry', 'telemetry', 'alert', 'dispatch', 'upkeep', 'fund', 'auth', 'api', 'meta')
$$;
create function pg_temp.tables() returns table (id oid, name text) language sql as $$
    select c.oid, c.oid::regclass::text from pg_class c where c.relnamespace in (select pg_temp.ours()) and c.relkind in ('r', 'p', 'v', 'm')
$$;
create function pg_temp.functions() returns table (id oid, name text) language sql as $$
    select p.oid, p.oid::regprocedure::text from pg_proc p where p.pronamespace in (select pg_temp.ours())
$$;
select plan(14);

select is_empty($$ select nspname from pg_namespace where oid in (select pg_temp.ours()) and coalesce(obj_description(oid, 'pg_namespace'), '') = '' $$, 'every schema has a comment');
select is_empty($$ select name from pg_temp.tables() where coalesce(obj_description(id, 'pg_class'), '') = '' $$, 'every table and view has a comment');
select is_empty($$ select t.name, a.attname from pg_temp.tables() t join pg_attribute a on a.attrelid = t.id
    where a.attnum > 0 and not a.attisdropped and coalesce(col_description(t.id, a.attnum), '') = ''
    and not exists (select from pg_class c where c.oid = t.id and c.relispartition) $$, 'every column has a comment');
select is_empty($$ select name from pg_temp.functions() where coalesce(obj_description(id, 'pg_proc'), '') = '' $$, 'every function has a comment');

-- Raised rights: the search path is pinned, temporary objects come last.
select is_empty($$ select f.name from pg_temp.functions() f join pg_proc p on p.oid = f.id
    where p.prosecdef and not exists (select from unnest(p.proconfig) c where c ~ '^search_path=.*pg_temp"?$') $$, 'every SECURITY DEFINER function pins search_path, pg_temp last');
select is_empty($$ select f.name from pg_temp.functions() f join pg_proc p on p.oid = f.id
    where p.prosecdef and exists (select from unnest(p.proconfig) c where c ~ '^search_path=.*(public|\$user)') $$, 'and none of them trusts a schema others can write');
select is_empty($$ select f.name from pg_temp.functions() f join pg_proc p on p.oid = f.id where pg_get_userbyid(p.proowner) not in ('liftd_owner', 'liftd_api') $$, 'functions belong to the owner or to the API');
select is_empty($$ select t.name from pg_temp.tables() t join pg_class c on c.oid = t.id where pg_get_userbyid(c.relowner) <> 'liftd_owner' $$, 'tables belong to the owner');

-- PUBLIC has nothing.
select is_empty($$ select f.name from pg_temp.functions() f join pg_proc p on p.oid = f.id
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0 $$, 'PUBLIC executes nothing');
select is_empty($$ select t.name, a.privilege_type from pg_temp.tables() t join pg_class c on c.oid = t.id
    cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a where a.grantee = 0 $$, 'PUBLIC reads nothing');
select is_empty($$ select t.name, a.attname from pg_temp.tables() t join pg_attribute a on a.attrelid = t.id
    cross join lateral aclexplode(a.attacl) x where x.grantee = 0 $$, 'no column either');
select is_empty($$ select n.nspname from pg_namespace n cross join lateral aclexplode(n.nspacl) a
    where (n.oid in (select pg_temp.ours()) or n.nspname = 'public') and a.grantee = 0 $$, 'PUBLIC enters no schema of ours');

-- Tables that another role may touch are under row-level security.
select is_empty($$ select t.name from pg_temp.tables() t join pg_class c on c.oid = t.id
    cross join lateral aclexplode(c.relacl) a
    where a.grantee <> c.relowner and c.relkind in ('r', 'p') and not c.relrowsecurity and pg_get_userbyid(a.grantee) = 'liftd_api'
    and a.privilege_type <> 'SELECT' $$, 'what the API''s role may write is under row-level security');
select is_empty($$ select t.name from pg_temp.tables() t join pg_class c on c.oid = t.id
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('registry', 'telemetry', 'alert', 'auth') and c.relkind in ('r', 'p') and not c.relispartition and not c.relrowsecurity $$, 'all tables of people, lifts, telemetry and alarms are');

select * from finish();
rollback;
