-- What readings that arrived late would have said: judged afterwards, recorded as history, never rung.

create table telemetry.stretch (
    lift_id bigint primary key,
    from_at timestamptz not null,
    to_at timestamptz not null check (to_at >= from_at),
    changed_at timestamptz not null default clock_timestamp()
);
comment on table telemetry.stretch is 'Lifts with late readings that the rules have not judged yet, one row each; liftd judges a row when the lift''s gaps are closed or nothing more comes, and deletes it.';
comment on column telemetry.stretch.lift_id is 'Lift.';
comment on column telemetry.stretch.from_at is 'When the earliest of them was filed.';
comment on column telemetry.stretch.to_at is 'When the latest of them was filed.';
comment on column telemetry.stretch.changed_at is 'When the last of them landed; a row that changed while it was being judged stays.';

alter table telemetry.stretch enable row level security;

create index stretch_changed on telemetry.stretch (changed_at);
comment on index telemetry.stretch_changed is 'What waits longest.';

insert into alert.lifecycle (from_state, event, to_state, why) values
    ('none', 'record', 'cleared', 'Found afterwards in readings that arrived late: written down as history, it never rings.');
