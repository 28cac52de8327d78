-- Alarms: the rules in force, one row per occurrence, its life-cycle as a table, and its append-only history.

create schema alert;
comment on schema alert is 'Rules, alarms, their life-cycle and their history.';
revoke all on schema alert from public;

create table alert.rule (
    code int primary key,
    version int not null,
    priority smallint not null check (priority between 1 and 4),
    name_zh text not null,
    name_en text not null,
    kind text not null,
    hold_ms bigint not null check (hold_ms >= 0),
    quiet_ms bigint not null check (quiet_ms >= 0),
    suppressed_modes int[] not null default '{}',
    family text,
    why_zh text not null,
    why_en text not null,
    source text not null default '',
    loaded_at timestamptz not null,
    retired_at timestamptz
);
comment on table alert.rule is 'The rules of the liftd that writes, loaded by it at start so that people can read what is in force.';
comment on column alert.rule.code is 'Code of the condition.';
comment on column alert.rule.version is 'Version of the rule table the row came with.';
comment on column alert.rule.priority is '1 people, 2 urgent, 3 soon, 4 information.';
comment on column alert.rule.name_zh is 'Name in Chinese.';
comment on column alert.rule.name_en is 'Name in English.';
comment on column alert.rule.kind is 'reported: the lift says so; ends: the lift says that another condition is over; derived: liftd finds it.';
comment on column alert.rule.hold_ms is 'How long the condition must hold before it is raised, ms.';
comment on column alert.rule.quiet_ms is 'How long it must be gone before it is cleared, ms.';
comment on column alert.rule.suppressed_modes is 'Service modes in which it is not raised.';
comment on column alert.rule.family is 'Rules of one family tell the same fact; null for a rule of its own.';
comment on column alert.rule.why_zh is 'Why the rule is as it is, in Chinese.';
comment on column alert.rule.why_en is 'Why the rule is as it is, in English.';
comment on column alert.rule.source is 'Standard or document the rule comes from.';
comment on column alert.rule.loaded_at is 'When the row last changed.';
comment on column alert.rule.retired_at is 'Since when liftd no longer has the rule; alarms of it keep their name.';

create table alert.lifecycle (
    from_state text not null,
    event text not null,
    to_state text not null,
    why text not null,
    primary key (from_state, event)
);
comment on table alert.lifecycle is 'What can happen to an alarm, after ISA-18.2: the functions of this schema move alarms by looking here and nowhere else. An event without a row for the state is refused.';
comment on column alert.lifecycle.from_state is 'State before; none: the alarm does not exist yet.';
comment on column alert.lifecycle.event is 'What happens.';
comment on column alert.lifecycle.to_state is 'State after.';
comment on column alert.lifecycle.why is 'What it means.';
insert into alert.lifecycle (from_state, event, to_state, why) values
    ('none', 'raise', 'unacknowledged', 'The condition began: it rings until somebody acknowledges.'),
    ('unacknowledged', 'acknowledge', 'acknowledged', 'Somebody has seen it; the condition goes on.'),
    ('unacknowledged', 'clear', 'returned_unacknowledged', 'The condition ended before anybody had seen it: it stays on the list until somebody has.'),
    ('acknowledged', 'clear', 'cleared', 'Seen, and over.'),
    ('returned_unacknowledged', 'acknowledge', 'cleared', 'Over, and now seen.'),
    ('unacknowledged', 'comment', 'unacknowledged', 'A comment changes nothing else.'),
    ('acknowledged', 'comment', 'acknowledged', 'A comment changes nothing else.'),
    ('returned_unacknowledged', 'comment', 'returned_unacknowledged', 'A comment changes nothing else.'),
    ('cleared', 'comment', 'cleared', 'What is learned later can still be written down.');

create table alert.alarm (
    id bigint generated always as identity primary key,
    lift_id bigint not null,
    code int not null,
    priority smallint not null check (priority between 1 and 4),
    raised_at timestamptz not null,
    cleared_at timestamptz,
    state text not null check (state in ('unacknowledged', 'acknowledged', 'returned_unacknowledged', 'cleared',
        'shelved', 'suppressed', 'out_of_service')),
    confidence smallint not null check (confidence between 0 and 100),
    rule_version int not null,
    text_zh text not null,
    text_en text not null,
    recorded_at timestamptz not null default now(),
    cleared_recorded_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    origin text not null default 'live' check (origin in ('live', 'history')),
    unique (lift_id, code, raised_at),
    check (cleared_at >= raised_at),
    check (state <> 'cleared' or (cleared_at is not null and acknowledged_at is not null) or origin = 'history'),
    check ((cleared_at is null) = (cleared_recorded_at is null)),
    check ((acknowledged_at is null) = (acknowledged_by is null))
);
comment on table alert.alarm is 'One occurrence of one condition on one lift. Open is every state but cleared; each new occurrence is a new row, never folded into one acknowledged before.';
comment on column alert.alarm.id is 'Number of the alarm.';
comment on column alert.alarm.lift_id is 'Lift.';
comment on column alert.alarm.code is 'Code of the condition (alert.rule).';
comment on column alert.alarm.priority is '1 people, 2 urgent, 3 soon, 4 information; as it was when raised.';
comment on column alert.alarm.raised_at is 'When the condition began. With lift and code it is the alarm''s identity: the same onset is the same alarm, however often it is reported.';
comment on column alert.alarm.cleared_at is 'When the condition ended.';
comment on column alert.alarm.state is 'Where it stands in alert.lifecycle.';
comment on column alert.alarm.confidence is 'How sure the rule is, percent; 100 for what the lift itself reports.';
comment on column alert.alarm.rule_version is 'Version of the rule table that raised it.';
comment on column alert.alarm.text_zh is 'One sentence for a dispatcher, in Chinese.';
comment on column alert.alarm.text_en is 'One sentence for a dispatcher, in English.';
comment on column alert.alarm.recorded_at is 'When the raise was recorded.';
comment on column alert.alarm.cleared_recorded_at is 'When the clear was recorded.';
comment on column alert.alarm.acknowledged_at is 'When it was first acknowledged.';
comment on column alert.alarm.acknowledged_by is 'Name of who acknowledged it, as it was then.';
comment on column alert.alarm.origin is 'live: found as it happened; history: found later in late readings, and never rung.';

create index alarm_open on alert.alarm (priority, raised_at, id) where state <> 'cleared';
comment on index alert.alarm_open is 'The open list, most urgent first.';
create index alarm_raised on alert.alarm (raised_at, id);
comment on index alert.alarm_raised is 'All alarms by time.';
create index alarm_lift on alert.alarm (lift_id, raised_at, id);
comment on index alert.alarm_lift is 'All alarms of one lift.';

create table alert.transition (
    id bigint generated always as identity primary key,
    alarm_id bigint not null references alert.alarm,
    at timestamptz not null,
    recorded_at timestamptz not null default now(),
    kind text not null,
    from_state text not null,
    to_state text not null,
    actor_id bigint,
    actor_name text,
    comment text check (length(comment) <= 4000),
    check ((actor_id is null) = (actor_name is null)),
    foreign key (from_state, kind) references alert.lifecycle (from_state, event)
);
comment on table alert.transition is 'Everything that happened to an alarm: when, by whom, why. Append-only: triggers refuse change, and nobody is granted more than reading.';
comment on column alert.transition.id is 'Number of the entry, in the order of recording per alarm.';
comment on column alert.transition.alarm_id is 'Alarm.';
comment on column alert.transition.at is 'When it happened: device time for raise and clear, the server''s for what people did.';
comment on column alert.transition.recorded_at is 'When it was recorded.';
comment on column alert.transition.kind is 'What happened (alert.lifecycle.event).';
comment on column alert.transition.from_state is 'State before; none for a raise.';
comment on column alert.transition.to_state is 'State after.';
comment on column alert.transition.actor_id is 'Account of who did it; null: liftd.';
comment on column alert.transition.actor_name is 'Name of who did it, as it was then; null: liftd.';
comment on column alert.transition.comment is 'What they said, at most 4,000 characters.';
create index transition_alarm on alert.transition (alarm_id, id);
comment on index alert.transition_alarm is 'The history of one alarm.';

create function alert.refuse_change() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception using errcode = '42501', message = format('%I.%I is append-only', tg_table_schema, tg_table_name);
end $$;
comment on function alert.refuse_change() is 'Trigger: keeps a history as it was written.';
create trigger append_only before update or delete or truncate on alert.transition
    for each statement execute function alert.refuse_change();
create trigger never_deleted before delete or truncate on alert.alarm
    for each statement execute function alert.refuse_change();

alter table alert.rule enable row level security;
alter table alert.lifecycle enable row level security;
alter table alert.alarm enable row level security;
alter table alert.transition enable row level security;
