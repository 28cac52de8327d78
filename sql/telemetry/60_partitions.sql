-- Days come and go: partitions ahead of time, and what is older than the retention leaves.

create or replace function telemetry.today() returns date
    language sql stable
as $$
    select (now() at time zone 'Asia/Shanghai')::date
$$;
comment on function telemetry.today() is 'The day in Shanghai.';

create or replace function telemetry.partitions() returns table (name text, day date)
    language sql stable
as $$
    select c.relname::text, to_date(right(c.relname, 8), 'YYYYMMDD')
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'telemetry.reading'::regclass and c.relname ~ '^reading_\d{8}$'
    order by c.relname
$$;
comment on function telemetry.partitions() is 'The days of telemetry.reading that have a partition.';

-- `create table ... partition of` would lock the parent against everybody; a table made beside it and attached
-- holds up neither readers nor the writer. Attaching needs the default partition for itself, for a moment.
create or replace function telemetry.make_partition(p_day date) returns void
    language plpgsql
as $$
declare
    v_name text := 'reading_' || to_char(p_day, 'YYYYMMDD');
    v_from timestamptz := p_day::timestamp at time zone 'Asia/Shanghai';
    v_to timestamptz := (p_day + 1)::timestamp at time zone 'Asia/Shanghai';
begin
    execute format('create table telemetry.%I (like telemetry.reading including defaults including constraints)', v_name);
    execute format('comment on table telemetry.%I is %L', v_name,
        'Readings filed under ' || to_char(p_day, 'YYYY-MM-DD') || ', Shanghai time.');
    lock table telemetry.reading_default in access exclusive mode;
    if exists (select from telemetry.reading_default d where d.filed_at >= v_from and d.filed_at < v_to) then
        execute format('with moved as (delete from telemetry.reading_default where filed_at >= %L and filed_at < %L returning *) '
            'insert into telemetry.%I select * from moved', v_from, v_to, v_name);
    end if;
    execute format('alter table telemetry.reading attach partition telemetry.%I for values from (%L) to (%L)',
        v_name, v_from, v_to);
end $$;
comment on function telemetry.make_partition(date) is 'Part of telemetry.ensure_partitions(): makes one day and moves there what had to wait in the default partition.';

create or replace function telemetry.ensure_partitions(retention_days int, ahead_days int,
    out first_day date, out last_day date)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '1s'
as $$
declare
    v_day date;
begin
    if retention_days is null or retention_days < 0 or ahead_days is null or ahead_days < 0 then
        raise exception using errcode = '22023', message = 'retention_days and ahead_days must be 0 or more';
    end if;
    -- Somebody else doing the same is waited for, and leaves nothing to do; nobody else is held up by that.
    perform set_config('lock_timeout', '1min', true);
    perform pg_advisory_xact_lock(hashtextextended('liftd.partitions', 0));
    perform set_config('lock_timeout', '1s', true);
    first_day := telemetry.today() - retention_days;
    last_day := telemetry.today() + ahead_days;
    for v_day in
        select d::date from generate_series(first_day::timestamp, last_day::timestamp, interval '1 day') d
        where not exists (select from telemetry.partitions() p where p.day = d::date)
        order by d desc
    loop
        perform telemetry.make_partition(v_day);
    end loop;
end $$;
comment on function telemetry.ensure_partitions(int, int) is 'Makes every missing day from retention_days ago to ahead_days from now, Shanghai time, and returns that range. Readings filed within it never meet a missing day. Waits at most 1 s for any lock: who reads the default partition for longer only puts it off.';

create or replace function telemetry.drop_expired(retention_days int) returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '300ms'
as $$
declare
    v_name text;
    v_dropped int := 0;
begin
    if retention_days is null or retention_days < 0 then
        raise exception using errcode = '22023', message = 'retention_days must be 0 or more';
    end if;
    perform set_config('lock_timeout', '1min', true);
    perform pg_advisory_xact_lock(hashtextextended('liftd.partitions', 0));
    perform set_config('lock_timeout', '300ms', true);
    for v_name in
        select p.name from telemetry.partitions() p where p.day < telemetry.today() - retention_days order by p.day
    loop
        begin
            execute format('drop table telemetry.%I', v_name);
            v_dropped := v_dropped + 1;
        exception when lock_not_available then
            -- Somebody reads for longer than the writer should wait behind us: the rest goes next time.
            raise notice '% is in use', v_name;
            exit;
        end;
    end loop;
    delete from telemetry.reading_default d
    where d.filed_at < (telemetry.today() - retention_days)::timestamp at time zone 'Asia/Shanghai';
    return v_dropped;
end $$;
comment on function telemetry.drop_expired(int) is 'Drops the days that ended more than retention_days ago and returns how many. Dropping takes an exclusive lock on telemetry.reading for a moment; it is waited for at most 300 ms, and what is in use goes next time.';

create or replace function telemetry.age_gaps(retention_days int, out given_up bigint, out forgotten bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s'
as $$
declare
    v_before timestamptz := now() - make_interval(days => retention_days);
begin
    -- Everything missing is older than the moment the gap was noticed. Rows the writer has in hand are left for
    -- next time, so that neither waits for the other.
    with old as (
        select g.id from telemetry.gap g where g.opened_at < v_before and g.ended_at is null
        order by g.opened_at limit 100000 for update skip locked
    )
    update telemetry.gap g set ended_at = now(), outcome = 'given_up' from old where g.id = old.id;
    get diagnostics given_up = row_count;
    with old as (
        select g.id from telemetry.gap g where g.ended_at < v_before
        order by g.ended_at limit 100000 for update skip locked
    )
    delete from telemetry.gap g using old where g.id = old.id;
    get diagnostics forgotten = row_count;
end $$;
comment on function telemetry.age_gaps(int) is 'Gives up gaps noticed more than retention_days ago and forgets gaps that ended as long ago, at most 100,000 of each; returns how many.';

create or replace function telemetry.trim_refusals(retention_days int) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s'
as $$
declare
    v_trimmed bigint;
begin
    with old as (
        select r.id from telemetry.refusal r where r.last_at < now() - make_interval(days => retention_days)
        order by r.last_at, r.id limit 100000 for update skip locked
    )
    delete from telemetry.refusal r using old where r.id = old.id;
    get diagnostics v_trimmed = row_count;
    if v_trimmed > 0 then
        perform telemetry.notify('{"topic":"refusals"}');
    end if;
    return v_trimmed;
end $$;
comment on function telemetry.trim_refusals(int) is 'Forgets refusals last heard more than retention_days ago, at most 100,000; returns how many.';

create or replace function meta.job_started(job text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
as $$
    insert into meta.job as j (name, last_started_at, runs) values (job_started.job, clock_timestamp(), 1)
    on conflict (name) do update set last_started_at = excluded.last_started_at, last_finished_at = null, runs = j.runs + 1
$$;
comment on function meta.job_started(text) is 'Notes that a periodic job begins.';

create or replace function meta.job_finished(job text, ok boolean, message text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp
as $$
    update meta.job j set last_finished_at = clock_timestamp(), ok = job_finished.ok, message = left(job_finished.message, 1000),
        failures = j.failures + case when job_finished.ok then 0 else 1 end
    where j.name = job_finished.job
$$;
comment on function meta.job_finished(text, boolean, text) is 'Notes how a periodic job went.';
