-- Who may read alarms: policies and grants, from nothing at every deploy.

do $$
declare
    p record;
begin
    for p in select schemaname, tablename, policyname from pg_policies where schemaname = 'alert' loop
        execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
    end loop;
    revoke all on all tables in schema alert from public, liftd_api, liftd_ingest, liftd_web;
    revoke all on all sequences in schema alert from public, liftd_api, liftd_ingest, liftd_web;
    revoke all on all functions in schema alert from public, liftd_api, liftd_ingest, liftd_web;
    revoke all on schema alert from public, liftd_api, liftd_ingest, liftd_web;
end $$;

grant usage on schema alert to liftd_ingest, liftd_api;
grant execute on function alert.load_rules(jsonb), alert.record_history(bigint, jsonb, text) to liftd_ingest;
grant select on alert.rule, alert.lifecycle, alert.alarm, alert.transition to liftd_api;
grant execute on function alert.acknowledge(bigint, bigint, text), alert.comment(bigint, bigint, text) to liftd_api;

create policy seen on alert.rule for select to liftd_api using (true);
create policy seen on alert.lifecycle for select to liftd_api using (true);
create policy seen on alert.alarm for select to liftd_api
    using ((select auth.sees_all()) or lift_id = any ((select auth.lift_ids())::bigint[]));
-- The alarm's own policy decides: what of it can be seen, its history can.
create policy seen on alert.transition for select to liftd_api
    using (exists (select from alert.alarm a where a.id = alarm_id));
