-- Landing after all what was refused, once its device is registered.

create or replace function telemetry.relanding(max int)
    returns table (refusal_id bigint, topic text, payload bytea, received_at timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select r.id, r.topic, r.payload, r.first_at
    from telemetry.refusal r
    where r.request_at is not null and r.landed_at is null
    order by r.id
    limit max
$$;
comment on function telemetry.relanding(int) is 'The oldest refusals somebody asked to land and that have not landed; received_at is their first arrival.';

create or replace function telemetry.request_landing(device text) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_requested bigint;
begin
    update telemetry.refusal r set request_at = now(), outcome = null
    where r.device = request_landing.device and r.landed_at is null and r.reason in ('unknown_device', 'unknown_unit');
    get diagnostics v_requested = row_count;
    if v_requested > 0 then
        perform telemetry.notify('{"topic":"land"}');
    end if;
    return v_requested;
end $$;
comment on function telemetry.request_landing(text) is 'Asks liftd to land what a device sent before it was registered; returns how many messages. Those that can''t land say so in outcome.';
