-- Every right and every policy of the database, one line each: a grant that is new, gone or changed shows here, in
-- review. tests/sql/lib/rights.sql says how the list is made.
begin;
\ir lib/rights.sql
select no_plan();

create temp table expected as select line from regexp_split_to_table($rights$
role liftd_api:
role liftd_ingest: login bypassrls
role liftd_owner: member of liftd_api
role liftd_web: login
schema alert: liftd_api=usage liftd_ingest=usage
schema api: liftd_api=usage liftd_web=usage
schema auth: liftd_api=usage liftd_ingest=usage
schema meta: liftd_ingest=usage
schema registry: liftd_api=usage
schema telemetry: liftd_api=usage liftd_ingest=usage
sequence registry.device_epoch: liftd_api=usage
table alert.alarm: liftd_api=select
table alert.lifecycle: liftd_api=select
table alert.rule: liftd_api=select
table alert.transition: liftd_api=select
table api.component: liftd_api=select
table api.document: liftd_api=select
table api.idempotency: liftd_api=delete,select
table api.operation: liftd_api=select
table api.problem_title: liftd_api=select
table auth.audit: liftd_api=select
table auth.user_area: liftd_api=select
table auth.user_firm: liftd_api=select
table registry.area: liftd_api=select
table registry.building: liftd_api=select
table registry.compound: liftd_api=select
table registry.device: liftd_api=select
table registry.device_unit: liftd_api=select
table registry.household: liftd_api=select
table registry.lift: liftd_api=select
table registry.party: liftd_api=select
table registry.responsibility: liftd_api=select
table telemetry.gap: liftd_api=select
table telemetry.lift_now: liftd_api=select
table telemetry.presence: liftd_api=select
table telemetry.reading: liftd_api=select liftd_ingest=insert
table telemetry.refusal: liftd_api=select
table telemetry.state_log: liftd_ingest=insert
columns api.idempotency: liftd_api=insert (user_id, key, request_sha256)
columns api.idempotency: liftd_api=update (status, headers, body)
columns auth.user_account: liftd_api=select (id, name, display_name, roles, language, created_at, created_by, password_changed_at, disabled_at)
columns registry.device: liftd_api=insert (device)
columns registry.device: liftd_api=insert,update (area_id, note)
columns registry.device_unit: liftd_api=insert (lift_id, device_id, unit, from_at)
columns registry.device_unit: liftd_api=update (to_at)
function alert.acknowledge(bigint,bigint,text): liftd_api=execute
function alert.comment(bigint,bigint,text): liftd_api=execute
function alert.load_rules(jsonb): liftd_ingest=execute
function alert.record_history(bigint,jsonb,text): liftd_ingest=execute
function api.handle(text,text,jsonb,jsonb,jsonb,bytea,bytea,jsonb): liftd_web=execute
function auth.area_ids(): liftd_api=execute
function auth.challenge(text): liftd_api=execute
function auth.challenge_self(): liftd_api=execute
function auth.change_user(bigint,jsonb): liftd_api=execute
function auth.check_account(text[],text[],text): liftd_api=execute
function auth.close_session(bytea): liftd_api=execute
function auth.create_user(text,text,text[],text,text,text[],text): liftd_api=execute
function auth.create_wallboard(text,text,text[],bytea): liftd_api=execute
function auth.enter(bytea,text): liftd_api=execute
function auth.forgive(text,text): liftd_api=execute
function auth.has_role(text): liftd_api=execute
function auth.lift_ids(): liftd_api=execute
function auth.open_session(text,boolean,bytea,text,text): liftd_api=execute
function auth.open_wallboard(bytea,bytea,text,text): liftd_api=execute
function auth.problem(integer,text,text,jsonb): liftd_api=execute
function auth.record(text,text,jsonb): liftd_api=execute
function auth.remote(): liftd_api=execute
function auth.roles(): liftd_api=execute
function auth.sees_accounts(): liftd_api=execute
function auth.sees_all(): liftd_api=execute
function auth.set_own_language(text): liftd_api=execute
function auth.set_own_password(text,bytea): liftd_api=execute
function auth.sweep(): liftd_ingest=execute
function auth.throttled(text,text): liftd_api=execute
function auth.today(): liftd_api=execute
function auth.user_id(): liftd_api=execute
function auth.user_name(): liftd_api=execute
function auth.wrong_field(text,text): liftd_api=execute
function meta.advance(text,bigint,bigint): liftd_ingest=execute
function meta.job_finished(text,boolean,text): liftd_ingest=execute
function meta.job_started(text): liftd_ingest=execute
function meta.lookup(text): liftd_ingest=execute
function meta.schema(): liftd_ingest=execute
function meta.take_lease(text,text): liftd_ingest=execute
function registry.area_ids_within(text[]): liftd_api=execute
function registry.bind_unit(bigint,smallint,bigint): liftd_api=execute
function registry.lift_ids_of_party(bigint,date): liftd_api=execute
function registry.lift_ids_within(bigint[]): liftd_api=execute
function registry.lock_bindings(): liftd_api=execute
function registry.register_device(text,text,text,jsonb): liftd_api=execute
function registry.replace_terminal(bigint,text,smallint): liftd_api=execute
function registry.units_checked(jsonb): liftd_api=execute
function registry.visible_area_ids(): liftd_api=execute
function registry.visible_building_ids(): liftd_api=execute
function registry.visible_compound_ids(): liftd_api=execute
function registry.visible_device_ids(): liftd_api=execute
function registry.visible_party_ids(): liftd_api=execute
function telemetry.age_gaps(integer): liftd_ingest=execute
function telemetry.begin_session(): liftd_ingest=execute
function telemetry.drop_expired(integer): liftd_ingest=execute
function telemetry.ensure_partitions(integer,integer): liftd_ingest=execute
function telemetry.land(): liftd_ingest=execute
function telemetry.load_state(): liftd_ingest=execute
function telemetry.relanding(integer): liftd_ingest=execute
function telemetry.request_landing(text): liftd_api=execute
function telemetry.resume(text): liftd_ingest=execute
function telemetry.routing(): liftd_ingest=execute
function telemetry.stretch_due(integer,integer): liftd_ingest=execute
function telemetry.stretch_readings(bigint,bigint,bigint,text): liftd_ingest=execute
function telemetry.trim_refusals(integer): liftd_ingest=execute
function telemetry.truncate_generation(integer): liftd_ingest=execute
function telemetry.visible_devices(): liftd_api=execute
type api.request: liftd_api=usage
type api.response: liftd_api=usage
default in - for T of liftd_owner: owner only
default in - for f of liftd_owner: owner only
policy alert.alarm.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (lift_id = ANY (( SELECT auth.lift_ids() AS lift_ids)::bigint[])))
policy alert.lifecycle.seen: select to liftd_api using true
policy alert.rule.seen: select to liftd_api using true
policy alert.transition.seen: select to liftd_api using (EXISTS ( SELECT FROM alert.alarm a WHERE (a.id = transition.alarm_id)))
policy api.component.read: select to liftd_api using true
policy api.document.read: select to liftd_api using true
policy api.idempotency.own: all to liftd_api using (user_id = ( SELECT auth.user_id() AS user_id)) check (user_id = ( SELECT auth.user_id() AS user_id))
policy api.operation.read: select to liftd_api using true
policy api.problem_title.read: select to liftd_api using true
policy auth.audit.seen: select to liftd_api using ( SELECT auth.sees_accounts() AS sees_accounts)
policy auth.user_account.seen: select to liftd_api using (( SELECT auth.sees_accounts() AS sees_accounts) OR (id = ( SELECT auth.user_id() AS user_id)))
policy auth.user_area.seen: select to liftd_api using (( SELECT auth.sees_accounts() AS sees_accounts) OR (user_id = ( SELECT auth.user_id() AS user_id)))
policy auth.user_firm.seen: select to liftd_api using (( SELECT auth.sees_accounts() AS sees_accounts) OR (user_id = ( SELECT auth.user_id() AS user_id)))
policy registry.area.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (id = ANY (( SELECT registry.visible_area_ids() AS visible_area_ids)::bigint[])))
policy registry.building.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (id = ANY (( SELECT registry.visible_building_ids() AS visible_building_ids)::bigint[])))
policy registry.compound.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (id = ANY (( SELECT registry.visible_compound_ids() AS visible_compound_ids)::bigint[])))
policy registry.device.changed: update to liftd_api using ( SELECT auth.sees_all() AS sees_all) check ( SELECT auth.sees_all() AS sees_all)
policy registry.device.registered: insert to liftd_api check ( SELECT auth.sees_all() AS sees_all)
policy registry.device.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (id = ANY (( SELECT registry.visible_device_ids() AS visible_device_ids)::bigint[])))
policy registry.device_unit.bound: insert to liftd_api check ( SELECT auth.sees_all() AS sees_all)
policy registry.device_unit.ended: update to liftd_api using ( SELECT auth.sees_all() AS sees_all) check ( SELECT auth.sees_all() AS sees_all)
policy registry.device_unit.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (lift_id = ANY (( SELECT auth.lift_ids() AS lift_ids)::bigint[])))
policy registry.household.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (building_id = ANY (( SELECT registry.visible_building_ids() AS visible_building_ids)::bigint[])))
policy registry.lift.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (id = ANY (( SELECT auth.lift_ids() AS lift_ids)::bigint[])))
policy registry.party.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (id = ANY (( SELECT registry.visible_party_ids() AS visible_party_ids)::bigint[])))
policy registry.responsibility.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (lift_id = ANY (( SELECT auth.lift_ids() AS lift_ids)::bigint[])))
policy telemetry.gap.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (lift_id = ANY (( SELECT auth.lift_ids() AS lift_ids)::bigint[])))
policy telemetry.lift_now.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (lift_id = ANY (( SELECT auth.lift_ids() AS lift_ids)::bigint[])))
policy telemetry.presence.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (device = ANY (( SELECT telemetry.visible_devices() AS visible_devices)::text[])))
policy telemetry.reading.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (lift_id = ANY (( SELECT auth.lift_ids() AS lift_ids)::bigint[])))
policy telemetry.refusal.seen: select to liftd_api using (( SELECT auth.sees_all() AS sees_all) OR (device = ANY (( SELECT telemetry.visible_devices() AS visible_devices)::text[])))
definer alert.acknowledge(bigint,bigint,text) of liftd_owner
definer alert.comment(bigint,bigint,text) of liftd_owner
definer alert.load_rules(jsonb) of liftd_owner
definer alert.record_history(bigint,jsonb,text) of liftd_owner
definer api.handle(text,text,jsonb,jsonb,jsonb,bytea,bytea,jsonb) of liftd_api
definer auth.challenge(text) of liftd_owner
definer auth.challenge_self() of liftd_owner
definer auth.change_user(bigint,jsonb) of liftd_owner
definer auth.close_session(bytea) of liftd_owner
definer auth.create_user(text,text,text[],text,text,text[],text) of liftd_owner
definer auth.create_wallboard(text,text,text[],bytea) of liftd_owner
definer auth.enter(bytea,text) of liftd_owner
definer auth.forgive(text,text) of liftd_owner
definer auth.open_session(text,boolean,bytea,text,text) of liftd_owner
definer auth.open_wallboard(bytea,bytea,text,text) of liftd_owner
definer auth.record(text,text,jsonb) of liftd_owner
definer auth.session_ended() of liftd_owner
definer auth.set_own_language(text) of liftd_owner
definer auth.set_own_password(text,bytea) of liftd_owner
definer auth.sweep() of liftd_owner
definer auth.throttled(text,text) of liftd_owner
definer meta.advance(text,bigint,bigint) of liftd_owner
definer meta.job_finished(text,boolean,text) of liftd_owner
definer meta.job_started(text) of liftd_owner
definer meta.lookup(text) of liftd_owner
definer meta.schema() of liftd_owner
definer meta.take_lease(text,text) of liftd_owner
definer registry.area_ids_within(text[]) of liftd_owner
definer registry.lift_ids_of_party(bigint,date) of liftd_owner
definer registry.lift_ids_within(bigint[]) of liftd_owner
definer registry.visible_area_ids() of liftd_owner
definer registry.visible_building_ids() of liftd_owner
definer registry.visible_compound_ids() of liftd_owner
definer registry.visible_device_ids() of liftd_owner
definer registry.visible_party_ids() of liftd_owner
definer telemetry.age_gaps(integer) of liftd_owner
definer telemetry.begin_session() of liftd_owner
definer telemetry.drop_expired(integer) of liftd_owner
definer telemetry.ensure_partitions(integer,integer) of liftd_owner
definer telemetry.land() of liftd_owner
definer telemetry.load_state() of liftd_owner
definer telemetry.relanding(integer) of liftd_owner
definer telemetry.request_landing(text) of liftd_owner
definer telemetry.resume(text) of liftd_owner
definer telemetry.routing() of liftd_owner
definer telemetry.stretch_due(integer,integer) of liftd_owner
definer telemetry.stretch_readings(bigint,bigint,bigint,text) of liftd_owner
definer telemetry.trim_refusals(integer) of liftd_owner
definer telemetry.truncate_generation(integer) of liftd_owner
definer telemetry.visible_devices() of liftd_owner
$rights$, '\n') line where line <> '';

select ok(exists (select from pg_temp.rights() r where r.line = e.line), e.line) from expected e;
select is(r.line, null, 'a right that nobody wrote down') from pg_temp.rights() r where not exists (select from expected e where e.line = r.line);

-- What holds whatever the list says.
select is((select string_agg(n.nspname, ' ') from pg_namespace n where n.oid in (select oid from house) and n.nspname <> 'public' and n.nspowner <> 'liftd_owner'::regrole), null, 'every schema is liftd_owner''s');
select is((select string_agg(c.oid::regclass::text, ' ') from pg_class c where c.relnamespace in (select oid from house) and c.relowner <> 'liftd_owner'::regrole), null, 'every table is liftd_owner''s; so liftd_api owns none, and policies bind it');
select is((select string_agg(p.oid::regprocedure::text, ' ') from pg_proc p where p.pronamespace in (select oid from house where nspname <> 'public')
    and p.proowner <> case when p.pronamespace = 'api'::regnamespace then 'liftd_api' else 'liftd_owner' end::regrole), null, 'functions of schema api are liftd_api''s, all others liftd_owner''s');
select is((select string_agg(c.oid::regclass::text, ' ') from pg_class c where c.relnamespace in (select oid from house where nspname not in ('public', 'meta'))
    and c.relkind in ('r', 'p') and not c.relispartition and not c.relrowsecurity
    and exists (select from aclexplode(c.relacl) x where x.grantee <> c.relowner)), null, 'every table somebody else may touch has row-level security');
select is((select string_agg(c.oid::regclass::text, ' ') from pg_class c where c.relispartition and c.relnamespace in (select oid from house)
    and exists (select from aclexplode(c.relacl) x where x.grantee <> c.relowner)), null, 'a partition is reached through its table only');
select is((select string_agg(p.oid::regprocedure::text, ' ') from pg_proc p where p.pronamespace in (select oid from house) and p.prosecdef
    and not exists (select from unnest(p.proconfig) c where c in ('search_path=pg_catalog, pg_temp', 'search_path="pg_catalog", "pg_temp"'))), null, 'every SECURITY DEFINER function pins its search path');
select is((select string_agg(p.oid::regprocedure::text, ' ') from pg_proc p where p.pronamespace in (select oid from house)
    and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x where x.grantee = 0)), null, 'PUBLIC may call nothing');
select is((select string_agg(d, ' ') from (select distinct x.grantee::regrole::text as d from pg_class c, aclexplode(c.relacl) x
    where c.relnamespace in (select oid from house) and x.grantee <> c.relowner) y where d not in ('liftd_api', 'liftd_ingest')), null, 'nobody else reaches a table');

select * from finish();
rollback;
