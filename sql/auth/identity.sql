-- Who is asking: the identity that row-level security reads, set once per request and only by auth.enter().
-- Every setting is local to the transaction, and auth.enter() writes all of them every time, so a pooled
-- connection never carries one person's identity into another's request.

create or replace function auth.user_id() returns bigint
language sql stable parallel safe as $$
    select nullif(current_setting('app.user_id', true), '')::bigint
$$;
comment on function auth.user_id() is 'Number of the account asking; null when nobody is signed in.';

create or replace function auth.user_name() returns text
language sql stable parallel safe as $$
    select nullif(current_setting('app.user_name', true), '')
$$;
comment on function auth.user_name() is 'Sign-in name of the account asking; null when nobody is signed in.';

create or replace function auth.roles() returns text[]
language sql stable parallel safe as $$
    select coalesce(nullif(current_setting('app.roles', true), '')::text[], '{}')
$$;
comment on function auth.roles() is 'Roles of the account asking; empty when nobody is signed in.';

create or replace function auth.has_role(p_role text) returns boolean
language sql stable parallel safe as $$
    select p_role = any (auth.roles())
$$;
comment on function auth.has_role(text) is 'Whether the account asking has that role.';

create or replace function auth.sees_all() returns boolean
language sql stable parallel safe as $$
    select coalesce(current_setting('app.sees_all', true) = 'on', false)
$$;
comment on function auth.sees_all() is 'Whether the account asking is limited neither to areas nor to a firm.';

create or replace function auth.sees_accounts() returns boolean
language sql stable parallel safe as $$
    select auth.sees_all() and auth.roles() && array ['admin', 'auditor']
$$;
comment on function auth.sees_accounts() is 'Whether the account asking may see other accounts and the audit trail: an admin, or an auditor who is not limited.';

create or replace function auth.lift_ids() returns bigint[]
language sql stable parallel safe as $$
    select coalesce(nullif(current_setting('app.lifts', true), '')::bigint[], '{}')
$$;
comment on function auth.lift_ids() is 'Lifts a limited account may see; empty for accounts that see all, and when nobody is signed in. Policies: (select auth.sees_all()) or lift_id = any ((select auth.lift_ids())::bigint[]).';

create or replace function auth.area_ids() returns bigint[]
language sql stable parallel safe as $$
    select coalesce(nullif(current_setting('app.areas', true), '')::bigint[], '{}')
$$;
comment on function auth.area_ids() is 'Areas, with all below them, that an account limited to areas (and not to a firm) may see; empty otherwise.';

create or replace function auth.remote() returns text
language sql stable parallel safe as $$
    select nullif(current_setting('app.remote', true), '')
$$;
comment on function auth.remote() is 'Address the request came from.';

create or replace function auth.may_administer() returns boolean
language sql stable parallel safe as $$
    select auth.has_role('admin') or pg_has_role(session_user, 'liftd_owner', 'member')
$$;
comment on function auth.may_administer() is 'Whether accounts may be changed: by an admin through the API, or by liftd user on the server, which connects as the database''s owner.';
