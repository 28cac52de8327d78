-- The program's own bookkeeping: who writes, which periodic jobs ran; and nothing for PUBLIC, from here on.
--
-- meta.migration, the record of files like this one, is made by `liftd migrate` before it runs the first of them.

revoke all on schema meta from public;

-- What the owner creates from now on is nobody else's until a grant says so.
alter default privileges for role liftd_owner revoke execute on functions from public;
alter default privileges for role liftd_owner revoke usage on types from public;

create table meta.replay (
    single boolean primary key default true check (single),
    sha256 bytea not null check (octet_length(sha256) = 32),
    replayed_at timestamptz not null
);
comment on table meta.replay is 'One row: which functions, views, policies and grants the database has.';
comment on column meta.replay.single is 'True: there is one row.';
comment on column meta.replay.sha256 is 'SHA-256 over names and contents of all files replayed by the last `liftd migrate`.';
comment on column meta.replay.replayed_at is 'When that was.';

create table meta.writer (
    lease text primary key check (lease <> ''),
    epoch bigint not null default 0 check (epoch >= 0),
    batch bigint not null default 0 check (batch >= 0),
    holder text not null,
    taken_at timestamptz not null
) with (fillfactor = 50);
comment on table meta.writer is 'One row per lease: who writes, and the last batch that was committed. Every batch transaction advances it, so after a broken connection the row tells whether the batch in doubt landed, and a writer that lost its lease can''t commit any more.';
comment on column meta.writer.lease is 'Name of the lease; one while there is one liftd.';
comment on column meta.writer.epoch is 'Counts the times the lease was taken; a batch carries the epoch it was built under.';
comment on column meta.writer.batch is 'Number of the last committed batch, rising by one.';
comment on column meta.writer.holder is 'Host and process of the holder, for people.';
comment on column meta.writer.taken_at is 'When the lease was last taken.';

create table meta.job (
    name text primary key,
    last_started_at timestamptz not null,
    last_finished_at timestamptz,
    ok boolean,
    message text,
    runs bigint not null default 0 check (runs >= 0),
    failures bigint not null default 0 check (failures >= 0)
) with (fillfactor = 50);
comment on table meta.job is 'The periodic jobs and how their last run went.';
comment on column meta.job.name is 'Name of the job in liftd''s timetable.';
comment on column meta.job.last_started_at is 'When its last run began.';
comment on column meta.job.last_finished_at is 'When its last run ended; null while it runs, and when liftd ended in the middle.';
comment on column meta.job.ok is 'Whether the last finished run succeeded.';
comment on column meta.job.message is 'What the last finished run reported, or its error.';
comment on column meta.job.runs is 'Runs begun.';
comment on column meta.job.failures is 'Runs that ended with an error.';
