-- Sessions: opening, recognising and ending them. Everything here is SECURITY DEFINER, because only the SHA-256 of
-- a token is stored and nobody, liftd_api included, may read those or the password hashes.

create or replace function auth.record(p_action text, p_object text, p_detail jsonb default null) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into auth.audit (user_id, user_name, remote, action, object, detail)
    values (auth.user_id(), left(coalesce(auth.user_name(), session_user), 64), left(auth.remote(), 64),
            left(p_action, 100), left(p_object, 200), p_detail)
$$;
comment on function auth.record(text, text, jsonb) is 'Adds one line to the audit trail in the name of the account asking.';

create or replace function auth.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception 'the audit trail is append-only' using errcode = '42501';
end
$$;
comment on function auth.refuse_change() is 'Keeps the audit trail append-only, for its owner too.';
create or replace trigger append_only before update or delete or truncate on auth.audit
    for each statement execute function auth.refuse_change();

create or replace function auth.session_ended() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('liftd', json_build_object('topic', 'session', 'hash', encode(old.token_hash, 'hex'))::text);
    return null;
end
$$;
comment on function auth.session_ended() is 'Tells liftd that a session is no more, so that it closes its event streams.';
create or replace trigger ended after delete on auth.session
    for each row execute function auth.session_ended();

create or replace function auth.assume(p_user bigint, p_name text, p_roles text[], p_remote text, p_all boolean,
                                       p_areas bigint[], p_lifts bigint[]) returns void
language plpgsql as $$
begin
    perform set_config('app.user_id', coalesce(p_user::text, ''), true),
            set_config('app.user_name', coalesce(p_name, ''), true),
            set_config('app.roles', coalesce(p_roles::text, ''), true),
            set_config('app.remote', coalesce(p_remote, ''), true),
            set_config('app.sees_all', case when p_all then 'on' else 'off' end, true),
            set_config('app.areas', coalesce(p_areas::text, ''), true),
            set_config('app.lifts', coalesce(p_lifts::text, ''), true);
end
$$;
comment on function auth.assume(bigint, text, text[], text, boolean, bigint[], bigint[]) is 'Sets the whole identity of this transaction.';

-- Lifetimes. A person's session ends 12 hours after its last use and a week after signing in at the latest; a wall
-- screen's lives with its link. last_seen_at is written at most every five minutes, so reading stays reading.
create or replace function auth.enter(p_token bytea, p_remote text, out user_id bigint, out display_name text,
                                      out roles text[], out language text, out kind text, out expires_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    s record;
    scope record;
begin
    select x.user_id, x.kind, x.created_at, x.last_seen_at, x.expires_at, u.name, u.display_name, u.roles, u.language
    into s
    from auth.session x
    join auth.user_account u on u.id = x.user_id
    where x.token_hash = p_token and x.expires_at > now() and u.disabled_at is null;
    if s.user_id is null then
        perform auth.assume(null, null, null, p_remote, false, null, null);
        return;
    end if;
    user_id := s.user_id;
    display_name := s.display_name;
    roles := s.roles;
    language := s.language;
    kind := s.kind;
    expires_at := s.expires_at;
    if s.kind = 'link' then
        -- An address that hangs on a wall opens wall sessions and is good for nothing else.
        perform auth.assume(null, null, null, p_remote, false, null, null);
        return;
    end if;
    select * into scope from auth.scope_of(s.user_id);
    perform auth.assume(s.user_id, s.name, s.roles, p_remote, scope.sees_all, scope.areas, scope.lifts);
    if s.kind = 'person' and s.last_seen_at < now() - interval '5 minutes' then
        expires_at := least(now() + interval '12 hours', s.created_at + interval '7 days');
        -- Of many requests at once one writes; the others don't wait for it.
        update auth.session x set last_seen_at = now(), expires_at = enter.expires_at
        from (select y.token_hash from auth.session y where y.token_hash = p_token for no key update skip locked) mine
        where x.token_hash = mine.token_hash;
    elsif s.kind = 'wallboard' and s.last_seen_at < now() - interval '1 hour' then
        update auth.session x set last_seen_at = now() where x.token_hash = p_token;
    end if;
end
$$;
comment on function auth.enter(bytea, text) is 'Recognises a session by the SHA-256 of its token and sets the transaction''s identity: its account''s, or nobody''s. For kind link the account is named but not assumed.';

-- Windows of 15 minutes: 50 failed attempts from one address, 5 for one name from one address, 100 for one name
-- from anywhere (so a stranger who doesn't know a password can hardly lock its owner out). An attempt is counted
-- before the password is looked at and given back when it was right, so that parallel attempts can't slip through.
create or replace function auth.throttled(p_name text, p_remote text) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_limits constant int[] := array [50, 5, 100];
    v_window constant interval := interval '15 minutes';
    v_attempts int;
    v_since timestamptz;
begin
    for k in 1 .. 3 loop
        insert into auth.throttle as t (kind, bucket, attempts, since)
        values (k, auth.throttle_bucket(k, p_name, p_remote), 1, now())
        on conflict (kind, bucket) do update
            set attempts = case when t.since <= now() - v_window then 1 else least(t.attempts + 1, 1000000) end,
                since = case when t.since <= now() - v_window then now() else t.since end
        returning attempts, since into v_attempts, v_since;
        if v_attempts > v_limits[k] then
            return greatest(1, ceil(extract(epoch from v_since + v_window - now())))::int;
        end if;
    end loop;
    return 0;
end
$$;
comment on function auth.throttled(text, text) is 'Counts a sign-in attempt; answers 0, or the seconds to wait when there were too many.';

-- Who has one IPv6 address has 2^64 of them: there the network counts.
create or replace function auth.network_of(p_remote text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    if p_remote !~ ':' or p_remote ~* '^::ffff:[0-9.]+$' then
        return p_remote;
    end if;
    return network(set_masklen(p_remote::inet, 64))::text;
exception when invalid_text_representation then
    return p_remote;
end
$$;
comment on function auth.network_of(text) is 'What sign-in attempts are counted by: an IPv4 address, or the /64 of an IPv6 address.';

create or replace function auth.throttle_bucket(p_kind int, p_name text, p_remote text) returns int
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select hashtextextended(
        case p_kind when 1 then '' else lower(p_name) end || chr(31)
        || case p_kind when 3 then '' else coalesce(auth.network_of(p_remote), '') end, p_kind)::bit(16)::int
$$;
comment on function auth.throttle_bucket(int, text, text) is 'The bucket an attempt is counted in: 16 bits of a hash of address, address and name, or name.';

-- The challenge for an unknown, disabled or passwordless account is a hash of nothing anybody can type, so the
-- answer takes as long as for a real one.
create or replace function auth.challenge(p_name text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        (select u.password_hash from auth.user_account u
         where lower(u.name) = lower(p_name) and u.disabled_at is null),
        '$argon2id$v=19$m=19456,t=2,p=1$5KBu42sKhgLExhgV92j9hg$5Pta4hpy2qfwYj09fZTrCA48g6V0u7H5lLor5gTPhEo')
$$;
comment on function auth.challenge(text) is 'The argon2id hash a password typed for this name must match.';

create or replace function auth.challenge_self() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.password_hash from auth.user_account u where u.id = auth.user_id()
$$;
comment on function auth.challenge_self() is 'The argon2id hash of the account asking, to prove itself before it changes its password.';

create or replace function auth.open_session(p_name text, p_verified boolean, p_fresh bytea, p_remote text, p_agent text)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    u auth.user_account;
begin
    select * into u from auth.user_account x
    where lower(x.name) = lower(p_name) and x.disabled_at is null and x.password_hash is not null
    for no key update;
    if u.id is null or p_verified is not true then
        insert into auth.audit (user_id, user_name, remote, action)
        values (u.id, left(p_name, 64), left(p_remote, 64), 'session.refused');
        return null;
    end if;
    perform auth.forgive(p_name, p_remote);
    perform auth.keep_newest_sessions(u.id, 'person', 9);
    insert into auth.session (token_hash, user_id, kind, expires_at, remote, user_agent)
    values (p_fresh, u.id, 'person', now() + interval '12 hours', left(p_remote, 64), left(p_agent, 256));
    insert into auth.audit (user_id, user_name, remote, action)
    values (u.id, left(u.name, 64), left(p_remote, 64), 'session.open');
    return u.id;
end
$$;
comment on function auth.open_session(text, boolean, bytea, text, text) is 'Opens a session when the password was right: the account''s number, else null. At most ten a person; the oldest gives way.';

-- In the order auth.throttled() counts in, so that the two never wait for each other.
create or replace function auth.forgive(p_name text, p_remote text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update auth.throttle t set attempts = greatest(0, t.attempts - 1)
    where t.kind = 1 and t.bucket = auth.throttle_bucket(1, p_name, p_remote);
    delete from auth.throttle t where t.kind = 2 and t.bucket = auth.throttle_bucket(2, p_name, p_remote);
    delete from auth.throttle t where t.kind = 3 and t.bucket = auth.throttle_bucket(3, p_name, p_remote);
end
$$;
comment on function auth.forgive(text, text) is 'Gives back what was counted against a name and an address: the password was right.';

create or replace function auth.keep_newest_sessions(p_user bigint, p_kind text, p_keep int) returns void
language sql as $$
    delete from auth.session s
    where s.user_id = p_user and s.kind = p_kind
      and s.token_hash in (select x.token_hash from auth.session x where x.user_id = p_user and x.kind = p_kind
                           order by x.last_seen_at desc, x.token_hash offset p_keep)
$$;
comment on function auth.keep_newest_sessions(bigint, text, int) is 'Ends all but so many sessions of an account, the longest unused first.';

create or replace function auth.open_wallboard(p_link bytea, p_fresh bytea, p_remote text, p_agent text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    s auth.session;
begin
    select x.* into s from auth.session x
    join auth.user_account u on u.id = x.user_id and u.disabled_at is null
    where x.token_hash = p_link and x.kind = 'link' and x.expires_at > now()
    for no key update of x;
    if s.user_id is null then
        return null;
    end if;
    perform auth.keep_newest_sessions(s.user_id, 'wallboard', 9);
    insert into auth.session (token_hash, user_id, kind, parent, expires_at, remote, user_agent)
    values (p_fresh, s.user_id, 'wallboard', p_link, s.expires_at, left(p_remote, 64), left(p_agent, 256));
    update auth.session x set last_seen_at = now() where x.token_hash = p_link;
    return s.user_id;
end
$$;
comment on function auth.open_wallboard(bytea, bytea, text, text) is 'Opens a wall screen''s session through its link: the account''s number, or null when the link is no more. At most ten screens a link.';

create or replace function auth.close_session(p_token bytea) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from auth.session s where s.token_hash = p_token and s.kind <> 'link';
    if found then
        perform auth.record('session.close', null);
    end if;
    return found;
end
$$;
comment on function auth.close_session(bytea) is 'Ends a session; false when there was none.';

create or replace function auth.sweep() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_count bigint;
    v_more bigint;
begin
    delete from auth.session s where s.expires_at <= now();
    get diagnostics v_count = row_count;
    delete from auth.throttle t where t.since < now() - interval '15 minutes';
    get diagnostics v_more = row_count;
    v_count := v_count + v_more;
    delete from api.idempotency i where i.at < now() - interval '24 hours';
    get diagnostics v_more = row_count;
    return v_count + v_more;
end
$$;
comment on function auth.sweep() is 'Deletes expired sessions, old throttle counts and idempotency keys older than a day; for the timetable, hourly.';
