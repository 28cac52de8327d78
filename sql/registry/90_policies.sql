-- Who may see and change the registry: policies and grants for the one role the API runs as.

do $$
declare
    t text;
    p record;
begin
    -- Replayed at every deploy: what an earlier version granted or allowed must not survive unseen.
    for p in select schemaname, tablename, policyname from pg_policies where schemaname = 'registry' loop
        execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
    end loop;
    revoke all on all tables in schema registry from public, liftd_api;
    revoke all on all sequences in schema registry from public, liftd_api;
    revoke all on all functions in schema registry from public, liftd_api;
    revoke all on schema registry from public, liftd_api;
end $$;

grant usage on schema registry to liftd_api;

create policy seen on registry.lift for select to liftd_api
    using ((select auth.sees_all()) or id = any ((select auth.lift_ids())::bigint[]));
create policy seen on registry.building for select to liftd_api
    using ((select auth.sees_all()) or id = any ((select registry.visible_building_ids())::bigint[]));
create policy seen on registry.household for select to liftd_api
    using ((select auth.sees_all()) or building_id = any ((select registry.visible_building_ids())::bigint[]));
create policy seen on registry.compound for select to liftd_api
    using ((select auth.sees_all()) or id = any ((select registry.visible_compound_ids())::bigint[]));
create policy seen on registry.area for select to liftd_api
    using ((select auth.sees_all()) or id = any ((select registry.visible_area_ids())::bigint[]));
create policy seen on registry.device for select to liftd_api
    using ((select auth.sees_all()) or id = any ((select registry.visible_device_ids())::bigint[]));
create policy seen on registry.device_unit for select to liftd_api
    using ((select auth.sees_all()) or lift_id = any ((select auth.lift_ids())::bigint[]));
create policy seen on registry.party for select to liftd_api
    using ((select auth.sees_all()) or id = any ((select registry.visible_party_ids())::bigint[]));
create policy seen on registry.responsibility for select to liftd_api
    using ((select auth.sees_all()) or lift_id = any ((select auth.lift_ids())::bigint[]));

grant select on registry.area, registry.compound, registry.building, registry.household, registry.lift,
    registry.device, registry.device_unit, registry.party, registry.responsibility to liftd_api;

-- Devices are the one thing the API registers (registry.register_device, registry.replace_terminal run with
-- the caller's rights): only a session that sees everything may write.
create policy registered on registry.device for insert to liftd_api with check ((select auth.sees_all()));
create policy changed on registry.device for update to liftd_api
    using ((select auth.sees_all())) with check ((select auth.sees_all()));
create policy bound on registry.device_unit for insert to liftd_api with check ((select auth.sees_all()));
create policy ended on registry.device_unit for update to liftd_api
    using ((select auth.sees_all())) with check ((select auth.sees_all()));
grant insert (device, area_id, note), update (area_id, note) on registry.device to liftd_api;
grant insert (lift_id, device_id, unit, from_at), update (to_at) on registry.device_unit to liftd_api;
grant usage on sequence registry.device_epoch to liftd_api;

grant execute on function registry.visible_building_ids(), registry.visible_compound_ids(),
    registry.visible_area_ids(), registry.visible_device_ids(), registry.visible_party_ids(),
    registry.area_ids_within(text[]), registry.lift_ids_within(bigint[]),
    registry.lift_ids_of_party(bigint, date),
    registry.lock_bindings(), registry.bind_unit(bigint, smallint, bigint), registry.units_checked(jsonb),
    registry.register_device(text, text, text, jsonb),
    registry.replace_terminal(bigint, text, smallint) to liftd_api;
