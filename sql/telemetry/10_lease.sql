-- Who may write: one lease per writer, fenced by its epoch and counted by its batches.

create or replace function meta.take_lease(lease text, holder text, out epoch bigint, out batch bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_try_advisory_lock(hashtextextended('liftd.lease.' || lease, 0)) then
        raise exception using errcode = '55P03', message = format('lease %L is held', lease),
            hint = 'another liftd is writing, or the server has not noticed yet that its connection is gone';
    end if;
    insert into meta.writer as w (lease, epoch, batch, holder, taken_at)
    values (take_lease.lease, 1, 0, take_lease.holder, now())
    on conflict on constraint writer_pkey do update
        set epoch = w.epoch + 1, holder = excluded.holder, taken_at = excluded.taken_at
    returning w.epoch, w.batch into take_lease.epoch, take_lease.batch;
end $$;
comment on function meta.take_lease(text, text) is 'Takes a lease for this session (given back when the session ends) and starts its next epoch; returns that and the last committed batch. 55P03: another session has it.';

create or replace function meta.advance(lease text, epoch bigint, batch bigint) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update meta.writer w set batch = advance.batch
    where w.lease = advance.lease and w.epoch = advance.epoch and w.batch = advance.batch - 1;
    if not found then
        raise exception using errcode = 'LF001',
            message = format('batch %s of epoch %s is not the next of lease %L', batch, epoch, lease),
            detail = coalesce((select format('the lease is at epoch %s, batch %s, held by %s', w.epoch, w.batch, w.holder)
                from meta.writer w where w.lease = advance.lease), 'nobody ever took that lease');
    end if;
end $$;
comment on function meta.advance(text, bigint, bigint) is 'First statement of every batch transaction: locks the lease''s row and counts the batch. LF001: not the next batch of this epoch, so the lease was lost or the batch has landed before.';

create or replace function meta.lookup(lease text, out epoch bigint, out batch bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    select w.epoch, w.batch into lookup.epoch, lookup.batch from meta.writer w where w.lease = lookup.lease for update;
end $$;
comment on function meta.lookup(text) is 'The lease''s epoch and last committed batch, after waiting for a transaction that is still about to commit; nulls when nobody ever took the lease.';
