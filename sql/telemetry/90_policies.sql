-- Who may read telemetry: policies and grants, from nothing at every deploy.

create or replace function telemetry.visible_devices() returns text[]
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct d.device::text), '{}')
    from registry.device_unit u join registry.device d on d.id = u.device_id
    where u.lift_id = any ((select auth.lift_ids())::bigint[])
$$;
comment on function telemetry.visible_devices() is 'Names of the devices that speak or spoke for the lifts the current session may see.';

do $$
declare
    p record;
begin
    for p in select schemaname, tablename, policyname from pg_policies where schemaname = 'telemetry' loop
        execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
    end loop;
    revoke all on all tables in schema telemetry, meta from public, liftd_api, liftd_ingest, liftd_web;
    revoke all on all sequences in schema telemetry, meta from public, liftd_api, liftd_ingest, liftd_web;
    revoke all on all functions in schema telemetry, meta from public, liftd_api, liftd_ingest, liftd_web;
    revoke all on schema telemetry, meta from public, liftd_api, liftd_ingest, liftd_web;
end $$;

-- The writer adds readings and state by COPY; everything else goes through functions.
grant usage on schema telemetry, meta to liftd_ingest;
grant insert on telemetry.reading, telemetry.state_log to liftd_ingest;
grant execute on function meta.schema(), meta.take_lease(text, text), meta.advance(text, bigint, bigint), meta.lookup(text),
    meta.job_started(text), meta.job_finished(text, boolean, text),
    telemetry.begin_session(), telemetry.land(), telemetry.load_state(), telemetry.truncate_generation(int),
    telemetry.routing(), telemetry.resume(text), telemetry.relanding(int),
    telemetry.ensure_partitions(int, int), telemetry.drop_expired(int), telemetry.age_gaps(int),
    telemetry.trim_refusals(int), telemetry.stretch_due(int, int),
    telemetry.stretch_readings(bigint, bigint, bigint, text)
    to liftd_ingest;

-- The API reads what its caller may see.
grant usage on schema telemetry to liftd_api;
grant select on telemetry.reading, telemetry.gap, telemetry.lift_now, telemetry.presence, telemetry.refusal to liftd_api;
grant execute on function telemetry.visible_devices(), telemetry.request_landing(text) to liftd_api;

create policy seen on telemetry.reading for select to liftd_api
    using ((select auth.sees_all()) or lift_id = any ((select auth.lift_ids())::bigint[]));
create policy seen on telemetry.gap for select to liftd_api
    using ((select auth.sees_all()) or lift_id = any ((select auth.lift_ids())::bigint[]));
create policy seen on telemetry.lift_now for select to liftd_api
    using ((select auth.sees_all()) or lift_id = any ((select auth.lift_ids())::bigint[]));
create policy seen on telemetry.presence for select to liftd_api
    using ((select auth.sees_all()) or device = any ((select telemetry.visible_devices())::text[]));
-- What nobody could attribute to a lift is for those who see everything.
create policy seen on telemetry.refusal for select to liftd_api
    using ((select auth.sees_all()) or device = any ((select telemetry.visible_devices())::text[]));
