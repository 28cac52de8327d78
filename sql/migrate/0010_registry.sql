-- The registry: where lifts stand, which terminal speaks for which lift since when, and who answers for them.
--
-- Row-level security is on for every table from the start; the policies themselves name functions of schema
-- auth and are therefore replayed at every deploy from sql/registry/policies.sql. Until then nobody but the
-- owner sees a row.

create schema if not exists registry;
comment on schema registry is 'Areas, compounds, buildings, households, lifts, devices, parties and their dated responsibilities.';

-- Codes appear in topics, addresses and file names: one alphabet for all of them.
create domain registry.code as text check (value ~ '^[A-Za-z0-9_-]{1,40}$');
comment on domain registry.code is 'A short name of 1 to 40 of A-Z a-z 0-9 _ -, safe in a topic, an address and a file name.';

create table registry.area (
    id bigint generated always as identity primary key,
    code registry.code not null unique,
    kind text not null check (kind in ('subdistrict', 'grid', 'micro_grid')),
    parent_id bigint,
    parent_kind text generated always as (case kind when 'grid' then 'subdistrict' when 'micro_grid' then 'grid' end) stored,
    name_zh text not null check (name_zh <> ''),
    name_en text not null check (name_en <> ''),
    unique (id, kind),
    foreign key (parent_id, parent_kind) references registry.area (id, kind),
    check ((kind = 'subdistrict') = (parent_id is null))
);
create index area_parent on registry.area (parent_id);
comment on table registry.area is 'The tree of areas (街道, 网格, 微网格); its code is the {area} of a topic. A parent is always of the next higher kind, so the tree has no circles.';
comment on column registry.area.code is 'Stable name; the second level of a device''s topic.';
comment on column registry.area.kind is 'subdistrict 街道, grid 网格 or micro_grid 微网格.';
comment on column registry.area.parent_id is 'The area it lies in; null for a subdistrict.';
comment on column registry.area.parent_kind is 'The kind its parent must have; follows from kind.';
comment on column registry.area.name_zh is 'Chinese name.';
comment on column registry.area.name_en is 'English name.';

create table registry.compound (
    id bigint generated always as identity primary key,
    code registry.code not null unique,
    area_id bigint not null references registry.area,
    name_zh text not null check (name_zh <> ''),
    name_en text not null check (name_en <> ''),
    address text not null default '',
    lon double precision check (lon between -180 and 180),
    lat double precision check (lat between -90 and 90),
    check ((lon is null) = (lat is null))
);
create index compound_area on registry.compound (area_id);
comment on table registry.compound is 'A residential compound (小区); it holds one master account.';
comment on column registry.compound.code is 'Stable name.';
comment on column registry.compound.area_id is 'The grid (or any other area) it lies in.';
comment on column registry.compound.name_zh is 'Chinese name.';
comment on column registry.compound.name_en is 'English name.';
comment on column registry.compound.address is 'Postal address, one line; empty when unknown.';
comment on column registry.compound.lon is 'Longitude in degrees, WGS 84; null when unknown.';
comment on column registry.compound.lat is 'Latitude in degrees, WGS 84; null when unknown.';

create table registry.building (
    id bigint generated always as identity primary key,
    code registry.code not null unique,
    compound_id bigint not null references registry.compound,
    area_id bigint references registry.area,
    name_zh text not null check (name_zh <> ''),
    name_en text not null check (name_en <> ''),
    floors smallint check (floors between 1 and 300)
);
create index building_compound on registry.building (compound_id);
create index building_area on registry.building (area_id);
comment on table registry.building is 'A building or entrance (楼栋, 门号); it holds one earmarked sub-account and usually one lift.';
comment on column registry.building.code is 'Stable name.';
comment on column registry.building.compound_id is 'The compound it belongs to.';
comment on column registry.building.area_id is 'Its micro-grid, where that is finer than the compound''s area; else null.';
comment on column registry.building.name_zh is 'Chinese name.';
comment on column registry.building.name_en is 'English name.';
comment on column registry.building.floors is 'Storeys above ground; null when unknown.';

create table registry.household (
    id bigint generated always as identity primary key,
    building_id bigint not null references registry.building,
    door text not null check (door <> '' and length(door) <= 40),
    floor smallint not null check (floor between -100 and 300 and floor <> 0),
    area_m2 numeric(10, 2) check (area_m2 > 0),
    coefficient numeric(12, 6) not null default 1 check (coefficient >= 0),
    unique (building_id, door)
);
comment on table registry.household is 'A home (户) that shares the cost of its building''s lift. No persons are kept here.';
comment on column registry.household.building_id is 'The building it is in.';
comment on column registry.household.door is 'Door number, unique within its building.';
comment on column registry.household.floor is 'Storey; the ground floor is 1, negative below ground.';
comment on column registry.household.area_m2 is 'Floor area in square metres; null when unknown.';
comment on column registry.household.coefficient is 'Weight of its share in the building''s costs; 0 pays nothing.';

create table registry.lift (
    id bigint generated always as identity primary key,
    code registry.code not null unique,
    building_id bigint not null references registry.building,
    name_zh text not null check (name_zh <> ''),
    name_en text not null check (name_en <> ''),
    kind text not null default 'passenger' check (kind in ('passenger', 'freight', 'accessibility', 'dumbwaiter', 'escalator', 'walkway', 'other')),
    stage text not null check (stage in ('signed', 'to_start', 'under_construction', 'in_service', 'suspended', 'scrapped')),
    model text not null default '',
    maker text not null default '',
    floors smallint check (floors between 1 and 300),
    rear_door boolean not null default false,
    rated_load_kg integer check (rated_load_kg between 1 and 100000),
    rated_speed_mm_s integer check (rated_speed_mm_s between 1 and 20000),
    travel_mm integer check (travel_mm between 1 and 1000000),
    in_service_on date,
    registration text check (registration <> ''),
    last_inspection_on date,
    note text not null default ''
);
create index lift_building on registry.lift (building_id);
create unique index lift_registration on registry.lift (registration) where registration is not null;
comment on table registry.lift is 'One lift (电梯) from the signed contract to the scrapyard.';
comment on column registry.lift.id is 'Appears in every telemetry table; never reused.';
comment on column registry.lift.code is 'Stable name.';
comment on column registry.lift.building_id is 'The building it serves.';
comment on column registry.lift.name_zh is 'Chinese name.';
comment on column registry.lift.name_en is 'English name.';
comment on column registry.lift.kind is 'passenger, freight, accessibility, dumbwaiter, escalator, walkway or other.';
comment on column registry.lift.stage is 'signed, to_start, under_construction, in_service, suspended or scrapped.';
comment on column registry.lift.model is 'The maker''s model name; rules may set thresholds by it. Empty when unknown.';
comment on column registry.lift.maker is 'Who made it; empty when unknown.';
comment on column registry.lift.floors is 'Number of landings; null when unknown.';
comment on column registry.lift.rear_door is 'True for a car with front and rear doors (双开门).';
comment on column registry.lift.rated_load_kg is 'Rated load; null when unknown.';
comment on column registry.lift.rated_speed_mm_s is 'Rated speed; null when unknown.';
comment on column registry.lift.travel_mm is 'Travel height; null when unknown.';
comment on column registry.lift.in_service_on is 'First day in service; null when unknown or not yet.';
comment on column registry.lift.registration is 'Registration number of the equipment (使用登记证编号); null when it has none.';
comment on column registry.lift.last_inspection_on is 'Day of the last periodic inspection known; null when unknown.';
comment on column registry.lift.note is 'Free text.';

create table registry.device (
    id bigint generated always as identity primary key,
    device registry.code not null unique,
    area_id bigint not null references registry.area,
    note text not null default '',
    created_at timestamptz not null default now()
);
create index device_area on registry.device (area_id);
comment on table registry.device is 'A telemetry terminal (采集终端): of one lift, or a gateway of several units.';
comment on column registry.device.device is 'Its name: the third level of its topic, unique across areas.';
comment on column registry.device.area_id is 'The area whose code is the second level of its topic.';
comment on column registry.device.note is 'Free text.';
comment on column registry.device.created_at is 'When it was registered.';

create sequence registry.device_epoch as integer;
comment on sequence registry.device_epoch is 'Numbers every binding of a unit to a lift, so a new terminal never meets an old one''s boot and seq.';

create table registry.device_unit (
    epoch integer primary key default nextval('registry.device_epoch'),
    lift_id bigint not null references registry.lift,
    device_id bigint not null references registry.device,
    unit smallint not null check (unit between 0 and 255),
    from_at timestamptz not null default now(),
    to_at timestamptz check (to_at >= from_at)
);
create unique index device_unit_open_lift on registry.device_unit (lift_id) where to_at is null;
create unique index device_unit_open_unit on registry.device_unit (device_id, unit) where to_at is null;
create index device_unit_lift on registry.device_unit (lift_id, from_at);
create index device_unit_device on registry.device_unit (device_id);
comment on table registry.device_unit is 'Which unit of which device speaks for which lift since when. At most one open row per lift and per unit.';
comment on column registry.device_unit.epoch is 'Device epoch: first part of a reading''s identity (epoch, boot, seq). A replaced terminal gets a new one.';
comment on column registry.device_unit.lift_id is 'The lift spoken for.';
comment on column registry.device_unit.device_id is 'The terminal or gateway.';
comment on column registry.device_unit.unit is 'Which lift behind this device; 0 for a plain terminal.';
comment on column registry.device_unit.from_at is 'When the binding began.';
comment on column registry.device_unit.to_at is 'When it ended; null while it is the one in force.';
alter sequence registry.device_epoch owned by registry.device_unit.epoch;

create table registry.party (
    id bigint generated always as identity primary key,
    code registry.code not null unique,
    kind text not null check (kind in ('use_manager', 'maintenance_firm', 'inspection_body', 'insurer', 'bank', 'station')),
    name_zh text not null check (name_zh <> ''),
    name_en text not null check (name_en <> ''),
    phone text not null default '' check (length(phone) <= 40),
    email text not null default '' check (length(email) <= 200),
    address text not null default '',
    unique (id, kind)
);
comment on table registry.party is 'An organisation (责任单位) that can answer for lifts. No persons are kept here.';
comment on column registry.party.code is 'Stable name.';
comment on column registry.party.kind is 'use_manager 使用管理单位, maintenance_firm 维保单位, inspection_body, insurer, bank or station (rescue).';
comment on column registry.party.name_zh is 'Chinese name.';
comment on column registry.party.name_en is 'English name.';
comment on column registry.party.phone is 'Duty telephone; empty when unknown.';
comment on column registry.party.email is 'Duty mail address; empty when unknown.';
comment on column registry.party.address is 'Postal address, one line; empty when unknown.';

create table registry.responsibility (
    id bigint generated always as identity primary key,
    lift_id bigint not null references registry.lift,
    party_id bigint not null,
    role text not null check (role in ('use_manager', 'maintenance_firm', 'inspection_body', 'insurer', 'bank', 'station')),
    from_on date not null,
    to_on date check (to_on >= from_on),
    foreign key (party_id, role) references registry.party (id, kind),
    unique (lift_id, role, from_on),
    -- Ranges have a GiST operator class of their own, plain numbers don't: the pair (lift, role) is written as
    -- a range of one number, and no extension has to be installed.
    constraint responsibility_no_overlap exclude using gist (
        int8range(lift_id * 8 + case role when 'use_manager' then 0 when 'maintenance_firm' then 1
            when 'inspection_body' then 2 when 'insurer' then 3 when 'bank' then 4 else 5 end,
            lift_id * 8 + case role when 'use_manager' then 0 when 'maintenance_firm' then 1
            when 'inspection_body' then 2 when 'insurer' then 3 when 'bank' then 4 else 5 end, '[]') with &&,
        daterange(from_on, to_on, '[]') with &&)
);
create index responsibility_party on registry.responsibility (party_id);
comment on table registry.responsibility is 'Which party answers for which lift, in which role, from when to when. Two of the same role never overlap on one lift.';
comment on column registry.responsibility.lift_id is 'The lift.';
comment on column registry.responsibility.party_id is 'The party; its kind is the role.';
comment on column registry.responsibility.role is 'As what it answers: one of the kinds of registry.party.';
comment on column registry.responsibility.from_on is 'First day.';
comment on column registry.responsibility.to_on is 'Last day, inclusive; null while no end is agreed.';

-- Identity columns explain themselves the same way everywhere.
do $$
declare t text;
begin
    foreach t in array array['area', 'compound', 'building', 'household', 'device', 'party', 'responsibility'] loop
        execute format('comment on column registry.%I.id is %L', t, 'Surrogate key; never reused.');
    end loop;
    foreach t in array array['area', 'compound', 'building', 'household', 'lift', 'device', 'device_unit', 'party', 'responsibility'] loop
        execute format('alter table registry.%I enable row level security', t);
    end loop;
end $$;
