-- Telemetry: readings by day, what is still missing of them, what was refused, and what lifts are doing now.
--
-- Tables here carry lift_id and have no foreign keys: they must take hundreds of thousands of rows a second and
-- can be spread over machines by lift. A reading is identified by (lift_id, epoch, boot, seq); positions
-- (boot, seq) compare lexicographically. No unique key guards that on readings: the writer remembers the last
-- position of each lift and telemetry.gap what is missing before it, both committed with the readings.

create schema telemetry;
comment on schema telemetry is 'Readings, gaps, refusals, presence and the writer''s memory of each lift.';
revoke all on schema telemetry from public;

create table telemetry.reading (
    lift_id bigint not null,
    device text not null,
    unit smallint not null,
    boot bigint not null,
    seq bigint not null,
    ts timestamptz not null,
    received_at timestamptz not null,
    mode smallint,
    motion smallint,
    floor smallint,
    flags int,
    codes int[],
    energy bigint,
    trips bigint,
    run_time bigint,
    door_cycles bigint,
    load int,
    speed int,
    vibration int,
    temperature int,
    heard bigint,
    epoch int not null,
    filed_at timestamptz not null,
    suspect boolean not null
) partition by range (filed_at);
comment on table telemetry.reading is 'Every reading once, in one partition per Shanghai day of filed_at. Columns that are null were not in the message: unknown, never zero.';
comment on column telemetry.reading.lift_id is 'Lift (registry.lift).';
comment on column telemetry.reading.device is 'Device that sent it.';
comment on column telemetry.reading.unit is 'Unit behind the device, 0 to 255.';
comment on column telemetry.reading.boot is 'Boot counter of the device.';
comment on column telemetry.reading.seq is 'Number of the reading since that boot, from 1.';
comment on column telemetry.reading.ts is 'Device clock.';
comment on column telemetry.reading.received_at is 'When liftd read it from the broker.';
comment on column telemetry.reading.mode is 'Service mode: 0 stop, 1 normal, 2 inspection, 3 fire recall, 4 firefighter, 5 emergency power, 6 earthquake, 7 unknown.';
comment on column telemetry.reading.motion is '0 stopped, 1 up, 2 down.';
comment on column telemetry.reading.floor is 'Landing index; the lowest landing is 1, below is negative.';
comment on column telemetry.reading.flags is 'Bit 0 in door zone, 1 front door closed, 2 rear door closed, 3 car occupied, 4 on battery; bit n + 8 set: bit n is known.';
comment on column telemetry.reading.codes is 'Message codes active at that moment, ascending.';
comment on column telemetry.reading.energy is 'Metered energy since installation, Wh.';
comment on column telemetry.reading.trips is 'Starts since installation.';
comment on column telemetry.reading.run_time is 'Running time since installation, s.';
comment on column telemetry.reading.door_cycles is 'Door openings since installation.';
comment on column telemetry.reading.load is 'Load, kg.';
comment on column telemetry.reading.speed is 'Car speed, mm/s, up positive.';
comment on column telemetry.reading.vibration is 'Peak-to-peak car vibration of the last trip, mm/s².';
comment on column telemetry.reading.temperature is 'Machine room or controller, 0.1 °C.';
comment on column telemetry.reading.heard is 'Number of the last message to the device that it had received.';
comment on column telemetry.reading.epoch is 'Which terminal of the lift (registry.device_unit): a replaced one starts a new epoch.';
comment on column telemetry.reading.filed_at is 'The time it is filed under: the device clock where it is credible, else received_at.';
comment on column telemetry.reading.suspect is 'The device clock was not believed.';

create index reading_lift on telemetry.reading (lift_id, filed_at);
comment on index telemetry.reading_lift is 'One lift''s history.';

create table telemetry.reading_default partition of telemetry.reading default;
comment on table telemetry.reading_default is 'Readings of days that have no partition yet: a net, normally empty. telemetry.ensure_partitions() moves its rows when it makes their day.';

create table telemetry.state_log (
    generation smallint not null,
    lift_id bigint not null,
    epoch int not null,
    boot bigint not null,
    seq bigint not null,
    batch bigint not null,
    state bytea not null
) partition by list (generation);
comment on table telemetry.state_log is 'The writer''s memory of each lift, appended with every batch: a lift''s row with the highest batch counts. Appending costs a fraction of updating a row per lift; the log is kept short by carrying all lifts into the other generation and emptying this one.';
comment on column telemetry.state_log.generation is '0 or 1: the partition.';
comment on column telemetry.state_log.lift_id is 'Lift.';
comment on column telemetry.state_log.epoch is 'Terminal of the lift the position counts in.';
comment on column telemetry.state_log.boot is 'Boot of the last reading landed live.';
comment on column telemetry.state_log.seq is 'Number of that reading.';
comment on column telemetry.state_log.batch is 'Batch that wrote the row (meta.writer).';
comment on column telemetry.state_log.state is 'What the rules remember, as liftd wrote it.';

create table telemetry.state_log_0 partition of telemetry.state_log for values in (0);
comment on table telemetry.state_log_0 is 'One of the two halves of telemetry.state_log.';
create table telemetry.state_log_1 partition of telemetry.state_log for values in (1);
comment on table telemetry.state_log_1 is 'One of the two halves of telemetry.state_log.';

create table telemetry.gap (
    id bigint generated always as identity primary key,
    lift_id bigint not null,
    epoch int not null,
    from_boot bigint not null,
    from_seq bigint not null,
    to_boot bigint not null,
    to_seq bigint not null,
    from_ts timestamptz,
    to_ts timestamptz,
    opened_at timestamptz not null default now(),
    ended_at timestamptz,
    outcome text check (outcome in ('filled', 'given_up')),
    check ((from_boot, from_seq) <= (to_boot, to_seq)),
    check ((ended_at is null) = (outcome is null))
);
comment on table telemetry.gap is 'Stretches of a lift''s readings that have not arrived. The open ones of one lift and epoch never overlap; a late reading lands only inside one of them, and shrinks or splits it.';
comment on column telemetry.gap.id is 'Number of the stretch; a split keeps it for its first piece.';
comment on column telemetry.gap.lift_id is 'Lift.';
comment on column telemetry.gap.epoch is 'Terminal of the lift.';
comment on column telemetry.gap.from_boot is 'Boot of the first missing position.';
comment on column telemetry.gap.from_seq is 'Number of the first missing position.';
comment on column telemetry.gap.to_boot is 'Boot of the last missing position.';
comment on column telemetry.gap.to_seq is 'Number of the last missing position; 0: nothing of that boot, everything of the boots before it.';
comment on column telemetry.gap.from_ts is 'Device time of the nearest known reading before it; null where there is none.';
comment on column telemetry.gap.to_ts is 'Device time of the nearest known reading after it; null where it is not known.';
comment on column telemetry.gap.opened_at is 'When it was noticed; everything missing is older.';
comment on column telemetry.gap.ended_at is 'Since when it is no longer waited for.';
comment on column telemetry.gap.outcome is 'filled: its last readings arrived; given_up: the device no longer has them, or they are older than the retention.';

create unique index gap_open on telemetry.gap (lift_id, epoch, from_boot, from_seq) where ended_at is null;
comment on index telemetry.gap_open is 'The one lookup of every late reading: the open gap that begins last at or before it.';
create index gap_age on telemetry.gap (opened_at) where ended_at is null;
comment on index telemetry.gap_age is 'Open gaps by age, for giving them up.';
create index gap_ended on telemetry.gap (ended_at) where ended_at is not null;
comment on index telemetry.gap_ended is 'Ended gaps by age, for forgetting them.';
create index gap_lift on telemetry.gap (lift_id, opened_at);
comment on index telemetry.gap_lift is 'All gaps of one lift, for people.';

create table telemetry.refusal (
    id bigint generated always as identity primary key,
    topic text not null,
    payload bytea not null,
    payload_sha256 bytea not null check (octet_length(payload_sha256) = 32),
    reason text not null,
    detail text,
    area text,
    device text,
    first_at timestamptz not null,
    last_at timestamptz not null,
    times bigint not null default 1 check (times >= 1),
    request_at timestamptz,
    landed_at timestamptz,
    outcome text
);
comment on table telemetry.refusal is 'Messages that could not land, with the bytes as they came. The same bytes on the same topic are one row however often they come.';
comment on column telemetry.refusal.id is 'Number of the refusal.';
comment on column telemetry.refusal.topic is 'MQTT topic.';
comment on column telemetry.refusal.payload is 'The message as it came.';
comment on column telemetry.refusal.payload_sha256 is 'SHA-256 of the message.';
comment on column telemetry.refusal.reason is 'Why: a decoder''s reason (truncated, wrong_type, ...), unknown_device, unknown_unit, boot_fell, or database.';
comment on column telemetry.refusal.detail is 'More about why; for database its SQLSTATE and message.';
comment on column telemetry.refusal.area is 'Area in the topic, where the topic could be read.';
comment on column telemetry.refusal.device is 'Device in the topic, where the topic could be read.';
comment on column telemetry.refusal.first_at is 'First arrival of these bytes.';
comment on column telemetry.refusal.last_at is 'Last arrival of these bytes.';
comment on column telemetry.refusal.times is 'Arrivals.';
comment on column telemetry.refusal.request_at is 'When somebody asked to land it after all; null when nobody did, and when the try failed.';
comment on column telemetry.refusal.landed_at is 'When it landed after all.';
comment on column telemetry.refusal.outcome is 'How the last try to land it went: landed, or the reason it was refused again.';

-- A topic may be longer than an index entry can be, so its md5 stands in for it.
create unique index refusal_same on telemetry.refusal (md5(topic), payload_sha256);
comment on index telemetry.refusal_same is 'The same bytes on the same topic are one row.';
create index refusal_at on telemetry.refusal (last_at, id);
comment on index telemetry.refusal_at is 'Newest first for people, oldest first for trimming.';
create index refusal_device on telemetry.refusal (device, reason) where landed_at is null;
comment on index telemetry.refusal_device is 'What waits for one device.';
create index refusal_requested on telemetry.refusal (id) where request_at is not null and landed_at is null;
comment on index telemetry.refusal_requested is 'What somebody asked to land.';

create table telemetry.lift_now (
    lift_id bigint primary key,
    device text not null,
    unit smallint not null,
    boot bigint not null,
    seq bigint not null,
    ts timestamptz not null,
    received_at timestamptz not null,
    mode smallint,
    motion smallint,
    floor smallint,
    flags int,
    codes int[],
    energy bigint,
    trips bigint,
    run_time bigint,
    door_cycles bigint,
    load int,
    speed int,
    vibration int,
    temperature int,
    heard bigint,
    epoch int not null,
    filed_at timestamptz not null,
    suspect boolean not null,
    silent boolean not null
) with (fillfactor = 50);
comment on table telemetry.lift_now is 'The latest known value of everything about each lift, merged over its readings; written at most about two seconds late. Only the key is indexed, so every update stays inside its page.';
comment on column telemetry.lift_now.lift_id is 'Lift.';
comment on column telemetry.lift_now.device is 'Device that sent the last reading.';
comment on column telemetry.lift_now.unit is 'Unit behind the device.';
comment on column telemetry.lift_now.boot is 'Boot of the last reading.';
comment on column telemetry.lift_now.seq is 'Number of the last reading.';
comment on column telemetry.lift_now.ts is 'Device clock of the last reading.';
comment on column telemetry.lift_now.received_at is 'Arrival of the last reading.';
comment on column telemetry.lift_now.mode is 'Service mode, as in telemetry.reading.';
comment on column telemetry.lift_now.motion is '0 stopped, 1 up, 2 down.';
comment on column telemetry.lift_now.floor is 'Landing index.';
comment on column telemetry.lift_now.flags is 'Flags, as in telemetry.reading.';
comment on column telemetry.lift_now.codes is 'Message codes active.';
comment on column telemetry.lift_now.energy is 'Metered energy since installation, Wh.';
comment on column telemetry.lift_now.trips is 'Starts since installation.';
comment on column telemetry.lift_now.run_time is 'Running time since installation, s.';
comment on column telemetry.lift_now.door_cycles is 'Door openings since installation.';
comment on column telemetry.lift_now.load is 'Load, kg.';
comment on column telemetry.lift_now.speed is 'Car speed, mm/s, up positive.';
comment on column telemetry.lift_now.vibration is 'Peak-to-peak car vibration of the last trip, mm/s².';
comment on column telemetry.lift_now.temperature is 'Machine room or controller, 0.1 °C.';
comment on column telemetry.lift_now.heard is 'Number of the last message to the device that it had received.';
comment on column telemetry.lift_now.epoch is 'Terminal of the lift.';
comment on column telemetry.lift_now.filed_at is 'Credible time of the last reading.';
comment on column telemetry.lift_now.suspect is 'The device clock of the last reading was not believed.';
comment on column telemetry.lift_now.silent is 'Nothing was heard for longer than the rules allow.';

create table telemetry.presence (
    device text primary key,
    area text not null,
    online boolean not null,
    changed_at timestamptz not null,
    heard_at timestamptz not null
) with (fillfactor = 70);
comment on table telemetry.presence is 'Whether each device is connected to the broker, as its presence topic last said; of unknown devices too.';
comment on column telemetry.presence.device is 'Device in the topic.';
comment on column telemetry.presence.area is 'Area in the topic.';
comment on column telemetry.presence.online is 'True: it announced itself; false: its will was published.';
comment on column telemetry.presence.changed_at is 'Since when it is so.';
comment on column telemetry.presence.heard_at is 'When the topic last said so.';

-- Policies are replayed at every deploy (sql/telemetry); until then nobody but the owner and the writer passes.
alter table telemetry.reading enable row level security;
alter table telemetry.state_log enable row level security;
alter table telemetry.gap enable row level security;
alter table telemetry.refusal enable row level security;
alter table telemetry.lift_now enable row level security;
alter table telemetry.presence enable row level security;
