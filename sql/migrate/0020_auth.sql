-- People: accounts, what they may see, their sessions, sign-in throttling and the audit trail.
create schema if not exists auth;
comment on schema auth is 'People: accounts, roles, scopes, sessions, throttling, audit.';
revoke all on schema auth from public;

create table auth.user_account (
    id bigint generated always as identity primary key,
    name text not null check (name ~ '^[^[:space:][:cntrl:]](.{0,62}[^[:space:][:cntrl:]])?$' and name !~ '[[:cntrl:]]'),
    display_name text not null check (length(display_name) between 1 and 100 and display_name !~ '[[:cntrl:]]'),
    password_hash text check (password_hash ~ '^\$argon2id\$[!-~]{20,118}$'),
    roles text[] not null check (
        array_position(roles, null) is null
        and cardinality(roles) between 1 and 6
        and roles <@ array ['dispatcher', 'planner', 'technician', 'fund', 'auditor', 'admin', 'wallboard']
        and (not 'wallboard' = any (roles) or roles = array ['wallboard'])),
    language text not null default 'zh' check (language in ('zh', 'en')),
    created_at timestamptz not null default now(),
    created_by bigint references auth.user_account,
    password_changed_at timestamptz,
    disabled_at timestamptz
);
comment on table auth.user_account is 'One person, or one wall screen. Accounts are disabled, never deleted: what somebody did keeps its name.';
comment on column auth.user_account.id is 'Number of the account.';
comment on column auth.user_account.name is 'What is typed at sign-in; unique whatever its case.';
comment on column auth.user_account.display_name is 'The name other people see.';
comment on column auth.user_account.password_hash is 'argon2id as libsodium writes it; null where nobody can sign in with a password (wall screens).';
comment on column auth.user_account.roles is 'dispatcher, planner, technician, fund, auditor, admin; a wall screen is wallboard and nothing else.';
comment on column auth.user_account.language is 'Language of problem titles and of the console: zh or en.';
comment on column auth.user_account.created_at is 'When the account was made.';
comment on column auth.user_account.created_by is 'Who made it; null for liftd user on the server itself.';
comment on column auth.user_account.password_changed_at is 'When the password was last set.';
comment on column auth.user_account.disabled_at is 'Since when nobody can act as this account; null while it is in use.';
create unique index user_account_name on auth.user_account (lower(name));

create table auth.user_area (
    user_id bigint not null references auth.user_account,
    area_id bigint not null references registry.area on delete restrict,
    primary key (user_id, area_id)
);
comment on table auth.user_area is 'Areas an account is limited to, each with everything below it. No row = not limited by area, so a row must not vanish with its area: on delete restrict.';
comment on column auth.user_area.user_id is 'The account.';
comment on column auth.user_area.area_id is 'One area it may see.';
create index user_area_area on auth.user_area (area_id);

create table auth.user_firm (
    user_id bigint primary key references auth.user_account,
    party_id bigint not null references registry.party on delete restrict
);
comment on table auth.user_firm is 'The firm an account works for: it sees the lifts that firm is responsible for today. A row must not vanish with its firm either.';
comment on column auth.user_firm.user_id is 'The account.';
comment on column auth.user_firm.party_id is 'Its firm.';
create index user_firm_party on auth.user_firm (party_id);

create table auth.session (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    user_id bigint not null references auth.user_account,
    kind text not null check (kind in ('person', 'link', 'wallboard')),
    parent bytea references auth.session on delete cascade,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    remote text check (length(remote) <= 64),
    user_agent text check (length(user_agent) <= 256),
    check ((kind = 'wallboard') = (parent is not null))
);
comment on table auth.session is 'Open sessions. Only the SHA-256 of a token is kept: who reads this table can be nobody.';
comment on column auth.session.token_hash is 'SHA-256 of the 32 random bytes in the cookie or bearer token.';
comment on column auth.session.user_id is 'Whose session.';
comment on column auth.session.kind is 'person: signed in with a password; link: a wall screen''s address, good only for opening wallboard sessions; wallboard: opened through a link.';
comment on column auth.session.parent is 'The link a wallboard session was opened through; it ends with its link.';
comment on column auth.session.created_at is 'When it was opened.';
comment on column auth.session.last_seen_at is 'Last request, exact to five minutes (a request need not write).';
comment on column auth.session.expires_at is 'From then on it is nobody''s; moves with use, within bounds.';
comment on column auth.session.remote is 'Address it was opened from.';
comment on column auth.session.user_agent is 'Browser it was opened with, cut to 256 characters.';
create index session_account on auth.session (user_id, created_at);
create index session_parent on auth.session (parent) where parent is not null;
create index session_expiry on auth.session (expires_at);

create table auth.throttle (
    kind smallint not null check (kind between 1 and 3),
    bucket int not null check (bucket between 0 and 65535),
    attempts int not null,
    since timestamptz not null,
    primary key (kind, bucket)
) with (fillfactor = 70);
comment on table auth.throttle is 'Sign-in attempts that did not succeed, counted in a fixed number of buckets, so that made-up names can''t grow it beyond 196,608 rows.';
comment on column auth.throttle.kind is '1: per remote address; 2: per address and name; 3: per name.';
comment on column auth.throttle.bucket is 'Sixteen bits of a hash of what is counted.';
comment on column auth.throttle.attempts is 'Attempts in the window; a success gives them back.';
comment on column auth.throttle.since is 'Start of the window of 15 minutes.';

create table auth.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    user_id bigint references auth.user_account,
    user_name text not null check (length(user_name) <= 64),
    remote text check (length(remote) <= 64),
    action text not null check (length(action) between 1 and 100),
    object text check (length(object) <= 200),
    detail jsonb
);
comment on table auth.audit is 'What people did, append-only: a trigger refuses change, and nobody is granted more than reading and adding through auth.record().';
comment on column auth.audit.id is 'Number of the record, rising.';
comment on column auth.audit.at is 'When.';
comment on column auth.audit.user_id is 'Who; null for liftd itself, its command line, and failed sign-ins.';
comment on column auth.audit.user_name is 'Name as it was then, or as it was typed.';
comment on column auth.audit.remote is 'Address the request came from.';
comment on column auth.audit.action is 'What was done: the operation''s name, or session.open, session.refused and the like.';
comment on column auth.audit.object is 'What it was done to, as path or name.';
comment on column auth.audit.detail is 'What was asked, without secrets.';
create index audit_at on auth.audit (at);
create index audit_user on auth.audit (user_id, at);

alter table auth.user_account enable row level security;
alter table auth.user_area enable row level security;
alter table auth.user_firm enable row level security;
alter table auth.session enable row level security;
alter table auth.throttle enable row level security;
alter table auth.audit enable row level security;
