-- The roles of the house; run at every deploy by whoever may create roles, and changes nothing that is right.
--
--   liftd_owner   owns every table and most functions; nobody logs in as it
--   liftd_api     owns the functions of schema api and is what they run as; owns no table, so row-level
--                 security holds for every line of them; nobody logs in as it
--   liftd_ingest  login of liftd's writer and timetable: adds readings, calls the landing functions
--   liftd_web     login of liftd's gateway: calls api.handle, listens, nothing else
--
-- Passwords are set by hand where connections ask for one (alter role liftd_ingest password ...); none is here.

do $$
declare
    v_login record;
begin
    -- Roles belong to the whole cluster: two databases migrated at the same moment would collide here.
    perform pg_advisory_xact_lock(hashtextextended('liftd.roles', 0));
    for v_login in
        select * from (values ('liftd_owner', false), ('liftd_api', false), ('liftd_ingest', true), ('liftd_web', true))
            as role (name, may_login)
    loop
        begin
            if not exists (select from pg_roles where rolname = v_login.name) then
                execute format('create role %I %s nosuperuser nocreatedb nocreaterole noreplication',
                    v_login.name, case when v_login.may_login then 'login' else 'nologin' end);
            end if;
        exception when duplicate_object or unique_violation then
            null; -- another database's migration was faster
        end;
    end loop;

    -- COPY refuses to write into a table with row-level security for a role that is subject to it, and the
    -- writer's readings come by COPY. The writer may add readings but is granted no select on any table, so
    -- there is nothing it could see past a policy. Setting the attribute asks for a superuser; an
    -- administrator without one has it set beforehand.
    if not (select rolbypassrls from pg_roles where rolname = 'liftd_ingest') then
        alter role liftd_ingest bypassrls;
    end if;

    -- The owner hands functions over to liftd_api, and so must be able to act as it.
    if not pg_has_role('liftd_owner', 'liftd_api', 'member') then
        grant liftd_api to liftd_owner;
    end if;
    -- Who migrates acts as the owner; a superuser may without being told.
    if not pg_has_role(current_user, 'liftd_owner', 'member') then
        execute format('grant liftd_owner to %I', current_user);
    end if;

    -- This database: the two logins connect, the owner makes schemas and temporary tables, nobody else anything.
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to liftd_ingest, liftd_web', current_database());
    execute format('grant connect, create, temporary on database %I to liftd_owner', current_database());
end $$;

revoke all on schema public from public;
