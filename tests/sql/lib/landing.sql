-- What tests of landing share: a writing session, short ways to fill its tables, and landings and gaps as text.
select telemetry.begin_session();
select telemetry.ensure_partitions(5, 2);

create function pg_temp.at(p_minute numeric) returns timestamptz language sql as $$
    select date_trunc('day', now(), 'Asia/Shanghai') + p_minute * interval '1 minute'
$$;

-- Lands, empties the tables as the commit would, and says 'late duplicate raised cleared ignored'.
create function pg_temp.land() returns text language plpgsql as $$
declare
    r record;
begin
    select * into r from telemetry.land();
    truncate pg_temp.late_in, pg_temp.gap_in, pg_temp.marker_in, pg_temp.alarm_in, pg_temp.refusal_in,
        pg_temp.relanded_in, pg_temp.presence_in, pg_temp.now_in;
    return concat_ws(' ', r.late_landed, r.late_duplicate, r.alarms_raised, r.alarms_cleared, r.alarms_ignored);
end $$;

create function pg_temp.gap(p_lift bigint, p_from_boot bigint, p_from_seq bigint, p_to_boot bigint, p_to_seq bigint,
    p_epoch int default 1) returns void language sql as $$
    insert into pg_temp.gap_in values (p_lift, p_epoch, p_from_boot, p_from_seq, p_to_boot, p_to_seq, pg_temp.at(0), pg_temp.at(1000))
$$;

create function pg_temp.late(p_lift bigint, p_boot bigint, p_seq bigint, p_epoch int default 1) returns void language sql as $$
    insert into pg_temp.late_in (lift_id, device, unit, boot, seq, ts, received_at, codes, epoch, filed_at, suspect)
    values (p_lift, 'dev', 0, p_boot, p_seq, pg_temp.at(p_boot * 100 + p_seq), now(), '{7}', p_epoch, pg_temp.at(p_boot * 100 + p_seq), false)
$$;

create function pg_temp.held(p_lift bigint, p_boot bigint, p_oldest bigint, p_last bigint, p_epoch int default 1) returns void
language sql as $$
    insert into pg_temp.marker_in values (p_lift, p_epoch, p_boot, p_oldest, p_last)
$$;

create function pg_temp.open_gaps(p_lift bigint, p_epoch int default 1) returns text language sql as $$
    select coalesce(string_agg(format('%s.%s-%s.%s', from_boot, from_seq, to_boot, to_seq), ' ' order by from_boot, from_seq), '')
    from telemetry.gap where lift_id = p_lift and epoch = p_epoch and ended_at is null
$$;

create function pg_temp.ended_gaps(p_lift bigint, p_epoch int default 1) returns text language sql as $$
    select coalesce(string_agg(format('%s.%s-%s.%s %s', from_boot, from_seq, to_boot, to_seq, outcome), ' ' order by from_boot, from_seq), '')
    from telemetry.gap where lift_id = p_lift and epoch = p_epoch and ended_at is not null
$$;

create function pg_temp.landed(p_lift bigint, p_epoch int default 1) returns text language sql as $$
    select coalesce(string_agg(format('%s.%s', boot, seq), ' ' order by boot, seq), '')
    from telemetry.reading where lift_id = p_lift and epoch = p_epoch
$$;
