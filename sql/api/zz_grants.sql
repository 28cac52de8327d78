-- Who may do what in schema api: everything in it belongs to liftd_api, and the one thing anybody else may do is to
-- call api.handle() as liftd_web.

do $$
declare
    f record;
    p record;
begin
    for p in select schemaname, tablename, policyname from pg_policies where schemaname = 'api' loop
        execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
    end loop;
    -- A new owner must be able to create in the schema for the moment of the change, and not after it.
    grant usage, create on schema api to liftd_api;
    for f in select c.oid::regprocedure as name from pg_proc c
             where c.pronamespace = 'api'::regnamespace and c.proowner <> 'liftd_api'::regrole loop
        execute format('alter routine %s owner to liftd_api', f.name);
    end loop;
    for f in select c.oid::regprocedure as name from pg_proc c where c.pronamespace = 'api'::regnamespace loop
        execute format('revoke all on routine %s from public, liftd_ingest, liftd_web', f.name);
    end loop;
end $$;
revoke all on schema api from public, liftd_api, liftd_ingest, liftd_web;
revoke all on all tables in schema api from public, liftd_api, liftd_ingest, liftd_web;

grant usage on schema api to liftd_api, liftd_web;
grant execute on function api.handle(text, text, jsonb, jsonb, jsonb, bytea, bytea, jsonb) to liftd_web;
grant usage on type api.request, api.response to liftd_api;
grant select on api.operation, api.component, api.problem_title, api.document to liftd_api;
grant select, delete, insert (user_id, key, request_sha256), update (status, headers, body) on api.idempotency to liftd_api;

-- The catalog is no secret, but every table somebody else reaches has row-level security.
alter table api.operation enable row level security;
alter table api.component enable row level security;
alter table api.problem_title enable row level security;
alter table api.document enable row level security;
create policy read on api.operation for select to liftd_api using (true);
create policy read on api.component for select to liftd_api using (true);
create policy read on api.problem_title for select to liftd_api using (true);
create policy read on api.document for select to liftd_api using (true);

-- Everybody's answers are their own.
create policy own on api.idempotency to liftd_api
    using (user_id = (select auth.user_id())) with check (user_id = (select auth.user_id()));
