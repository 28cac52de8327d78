-- pg_temp.rights(): every right and every policy there is in the house's schemas, a line each. To bring the list of
-- tests/sql/grants.sql up to date after a change that was meant, run on a freshly migrated database
--     psql -XAtq -f tests/sql/lib/rights.sql -c 'select line from pg_temp.rights()'
-- and read the difference before keeping it.

create temp view house as
select n.oid, n.nspname from pg_namespace n
where n.nspname in ('meta', 'registry', 'telemetry', 'alert', 'dispatch', 'upkeep', 'fund', 'auth', 'api', 'public');

create function pg_temp.acl(p_acl aclitem[], p_owner oid) returns text language sql as $$
    select string_agg(who || '=' || what, ' ' order by who) from (
        select case when x.grantee = 0 then 'PUBLIC' else x.grantee::regrole::text end as who,
            string_agg(lower(x.privilege_type) || case when x.is_grantable then '*' else '' end, ',' order by x.privilege_type) as what
        from aclexplode(p_acl) x where x.grantee <> p_owner group by x.grantee) y
$$;

create function pg_temp.rights() returns table (line text) language sql as $$
    select l from (
        select 1, 'role ' || r.rolname || ':' || case when r.rolcanlogin then ' login' else '' end || case when r.rolsuper then ' superuser' else '' end
            || case when r.rolbypassrls then ' bypassrls' else '' end || case when r.rolcreaterole then ' createrole' else '' end
            || case when r.rolcreatedb then ' createdb' else '' end || case when r.rolreplication then ' replication' else '' end
            || coalesce((select ' member of ' || string_agg(m.roleid::regrole::text, ',' order by m.roleid::regrole::text) from pg_auth_members m where m.member = r.oid), '')
        from pg_roles r where r.rolname like 'liftd\_%'
        union all
        select 2, 'schema ' || n.nspname || ': ' || pg_temp.acl(n.nspacl, n.nspowner) from pg_namespace n where n.oid in (select oid from house)
        union all
        select 3, case c.relkind when 'S' then 'sequence ' when 'v' then 'view ' else 'table ' end || c.oid::regclass || ': ' || pg_temp.acl(c.relacl, c.relowner)
        from pg_class c where c.relnamespace in (select oid from house) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and not c.relispartition
        union all
        select 4, 'columns ' || c.oid::regclass || ': ' || x.acl || ' (' || x.columns || ')'
        from pg_class c cross join lateral (select pg_temp.acl(a.attacl, c.relowner) as acl, string_agg(a.attname, ', ' order by a.attnum) as columns
            from pg_attribute a where a.attrelid = c.oid and a.attacl is not null group by 1) x
        where c.relnamespace in (select oid from house) and x.acl is not null
        union all
        select 5, 'function ' || p.oid::regprocedure || ': ' || pg_temp.acl(coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner)
        from pg_proc p where p.pronamespace in (select oid from house)
        union all
        select 6, 'type ' || t.oid::regtype || ': ' || pg_temp.acl(coalesce(t.typacl, acldefault('T', t.typowner)), t.typowner)
        from pg_type t where t.typnamespace in (select oid from house) and t.typelem = 0
            and (t.typrelid = 0 or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
        union all
        select 7, 'default in ' || coalesce(d.defaclnamespace::regnamespace::text, 'every schema') || ' for ' || d.defaclobjtype::text || ' of ' || d.defaclrole::regrole || ': '
            || coalesce(pg_temp.acl(d.defaclacl, d.defaclrole), 'owner only')
        from pg_default_acl d
        union all
        select 8, 'policy ' || y.polrelid::regclass || '.' || y.polname || ': '
            || case y.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end
            || case when y.polpermissive then '' else ' restrictive' end
            || ' to ' || (select string_agg(case when r = 0 then 'PUBLIC' else r::regrole::text end, ',') from unnest(y.polroles) r)
            || coalesce(' using ' || regexp_replace(pg_get_expr(y.polqual, y.polrelid), '\s+', ' ', 'g'), '')
            || coalesce(' check ' || regexp_replace(pg_get_expr(y.polwithcheck, y.polrelid), '\s+', ' ', 'g'), '')
        from pg_policy y
        union all
        select 9, 'definer ' || p.oid::regprocedure || ' of ' || p.proowner::regrole
        from pg_proc p where p.pronamespace in (select oid from house) and p.prosecdef) x (part, l)
    where l is not null order by part, l collate "C"
$$;
