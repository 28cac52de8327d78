-- Who may do what in schema auth: liftd_api reads accounts without their hashes and calls the functions named here;
-- nobody else has anything. Replayed last of its room, from nothing each time, so that a dropped line drops the right.

do $$
declare
    p record;
begin
    for p in select schemaname, tablename, policyname from pg_policies where schemaname = 'auth' loop
        execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
    end loop;
end $$;
revoke all on schema auth from public, liftd_api, liftd_ingest, liftd_web;
revoke all on all tables in schema auth from public, liftd_api, liftd_ingest, liftd_web;
revoke all on all functions in schema auth from public, liftd_api, liftd_ingest, liftd_web;
revoke all on all sequences in schema auth from public, liftd_api, liftd_ingest, liftd_web;

grant usage on schema auth to liftd_api, liftd_ingest;
grant select (id, name, display_name, roles, language, created_at, created_by, password_changed_at, disabled_at)
    on auth.user_account to liftd_api;
grant select on auth.user_area, auth.user_firm to liftd_api;
grant select on auth.audit to liftd_api;

grant execute on function auth.user_id(), auth.user_name(), auth.roles(), auth.has_role(text), auth.sees_all(),
    auth.sees_accounts(), auth.lift_ids(), auth.area_ids(), auth.remote(), auth.today(), auth.problem(int, text, text, jsonb),
    auth.wrong_field(text, text), auth.check_account(text[], text[], text) to liftd_api;
grant execute on function auth.enter(bytea, text), auth.record(text, text, jsonb), auth.throttled(text, text), auth.forgive(text, text),
    auth.challenge(text), auth.challenge_self(), auth.open_session(text, boolean, bytea, text, text),
    auth.open_wallboard(bytea, bytea, text, text), auth.close_session(bytea),
    auth.create_user(text, text, text[], text, text, text[], text), auth.change_user(bigint, jsonb),
    auth.set_own_password(text, bytea), auth.set_own_language(text),
    auth.create_wallboard(text, text, text[], bytea) to liftd_api;
grant execute on function auth.sweep() to liftd_ingest;

-- An admin and an auditor see every account, everybody else their own.
create policy seen on auth.user_account for select to liftd_api
    using ((select auth.sees_accounts()) or id = (select auth.user_id()));
create policy seen on auth.user_area for select to liftd_api
    using ((select auth.sees_accounts()) or user_id = (select auth.user_id()));
create policy seen on auth.user_firm for select to liftd_api
    using ((select auth.sees_accounts()) or user_id = (select auth.user_id()));
create policy seen on auth.audit for select to liftd_api using ((select auth.sees_accounts()));
