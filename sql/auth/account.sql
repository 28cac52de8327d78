-- Accounts: making and changing them. The rules about names, roles and scopes live here, for the API and for
-- `liftd user` alike.

-- Raises a problem that api.handle turns into a problem document: SQLSTATE LP and the HTTP status, the sentence as
-- message, code and the rest as JSON detail. liftd's command line prints the sentence.
create or replace function auth.problem(p_status int, p_code text, p_detail text, p_more jsonb default '{}') returns void
language plpgsql as $$
begin
    raise exception using errcode = 'LP' || p_status, message = p_detail,
        detail = (jsonb_build_object('code', p_code) || p_more)::text;
end
$$;
comment on function auth.problem(int, text, text, jsonb) is 'Ends the operation with a problem: HTTP status, stable code, English sentence, and optionally {"errors":[{"field","detail"}],"headers":{}}.';

create or replace function auth.wrong_field(p_field text, p_detail text) returns void
language plpgsql as $$
begin
    perform auth.problem(422, 'invalid', p_field || ': ' || p_detail,
        jsonb_build_object('errors', jsonb_build_array(jsonb_build_object('field', p_field, 'detail', p_detail))));
end
$$;
comment on function auth.wrong_field(text, text) is 'Ends the operation with a problem about one field.';

create or replace function auth.check_account(p_roles text[], p_areas text[], p_firm text) returns void
language plpgsql as $$
begin
    if cardinality(p_roles) is distinct from (select count(distinct r) from unnest(p_roles) r) or cardinality(p_roles) = 0 then
        perform auth.wrong_field('roles', 'name at least one role, and each once');
    end if;
    if not p_roles <@ array ['dispatcher', 'planner', 'technician', 'fund', 'auditor', 'admin', 'wallboard'] then
        perform auth.wrong_field('roles', 'roles are dispatcher, planner, technician, fund, auditor, admin');
    end if;
    if 'wallboard' = any (p_roles) and (cardinality(p_roles) > 1 or p_firm is not null) then
        perform auth.wrong_field('roles', 'a wall screen has no other role and no firm');
    end if;
    if 'admin' = any (p_roles) and (p_firm is not null or cardinality(p_areas) > 0) then
        perform auth.wrong_field('scope', 'an admin makes accounts for everybody and can''t be limited');
    end if;
    if p_roles && array ['planner', 'technician'] and p_firm is null and coalesce(cardinality(p_areas), 0) = 0 then
        perform auth.wrong_field('scope', 'a planner or technician needs a firm or areas, else there is nothing to see');
    end if;
end
$$;
comment on function auth.check_account(text[], text[], text) is 'Refuses roles and scopes that don''t go together.';

create or replace function auth.set_scope(p_user bigint, p_areas text[], p_firm text) returns void
language plpgsql as $$
declare
    v_missing text;
    v_firm bigint;
begin
    select c into v_missing from unnest(p_areas) c
    where c is null or not exists (select from registry.area a where a.code = c) limit 1;
    if found then
        perform auth.wrong_field('scope.areas', 'there is no area ' || coalesce(v_missing, 'null'));
    end if;
    if p_firm is not null then
        select p.id into v_firm from registry.party p where p.code = p_firm;
        if not found then
            perform auth.wrong_field('scope.firm', 'there is no party ' || p_firm);
        end if;
    end if;
    delete from auth.user_area x where x.user_id = p_user;
    insert into auth.user_area (user_id, area_id)
    select p_user, a.id from registry.area a where a.code = any (p_areas);
    delete from auth.user_firm x where x.user_id = p_user and x.party_id is distinct from v_firm;
    insert into auth.user_firm (user_id, party_id) select p_user, v_firm where v_firm is not null
    on conflict (user_id) do nothing;
end
$$;
comment on function auth.set_scope(bigint, text[], text) is 'Limits an account to these areas and this firm, instead of what it was limited to.';

create or replace function auth.create_user(p_name text, p_display_name text, p_roles text[], p_hash text,
                                            p_language text, p_areas text[], p_firm text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    if not auth.may_administer() then
        perform auth.problem(403, 'forbidden', 'only an admin makes accounts');
    end if;
    perform auth.check_account(p_roles, p_areas, p_firm);
    if p_name !~ '^[^[:space:][:cntrl:]](.{0,62}[^[:space:][:cntrl:]])?$' or p_name ~ '[[:cntrl:]]' then
        perform auth.wrong_field('name', 'a name has 1 to 64 characters and no space at its ends');
    end if;
    if p_display_name !~ '^[^[:cntrl:]]{1,100}$' then
        perform auth.wrong_field('display_name', 'a display name has 1 to 100 characters');
    end if;
    if p_language not in ('zh', 'en') then
        perform auth.wrong_field('language', 'languages are zh and en');
    end if;
    if (p_hash is null) <> ('wallboard' = any (p_roles)) then
        perform auth.wrong_field('password', 'people need a password; wall screens have none');
    end if;
    insert into auth.user_account (name, display_name, roles, password_hash, language, created_by, password_changed_at)
    values (p_name, coalesce(p_display_name, p_name), p_roles, p_hash, coalesce(p_language, 'zh'), auth.user_id(),
            case when p_hash is not null then now() end)
    on conflict (lower(name)) do nothing
    returning id into v_id;
    if v_id is null then
        perform auth.problem(409, 'name_taken', 'there is already an account named ' || p_name);
    end if;
    perform auth.set_scope(v_id, p_areas, p_firm);
    perform auth.record('user.create', p_name,
        jsonb_build_object('id', v_id, 'roles', to_jsonb(p_roles), 'areas', to_jsonb(p_areas), 'firm', p_firm));
    return v_id;
end
$$;
comment on function auth.create_user(text, text, text[], text, text, text[], text) is 'Makes an account; its number. Ends with a problem when name, roles or scope can''t be.';

-- p_change holds the fields to change: display_name, language, roles, disabled, scope {areas, firm}, hash.
create or replace function auth.change_user(p_user bigint, p_change jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    u auth.user_account;
    v_roles text[];
    v_areas text[];
    v_firm text;
    v_disabled boolean := (p_change ->> 'disabled')::boolean;
begin
    if not auth.may_administer() then
        perform auth.problem(403, 'forbidden', 'only an admin changes accounts');
    end if;
    select * into u from auth.user_account x where x.id = p_user for update;
    if not found then
        perform auth.problem(404, 'not_found', 'there is no such account');
    end if;
    v_roles := case when p_change ? 'roles' then array(select jsonb_array_elements_text(p_change -> 'roles')) else u.roles end;
    if p_change ? 'scope' then
        v_areas := array(select jsonb_array_elements_text(coalesce(nullif(p_change #> '{scope,areas}', 'null'), '[]')));
        v_firm := p_change #>> '{scope,firm}';
    else
        v_areas := array(select a.code from auth.user_area x join registry.area a on a.id = x.area_id where x.user_id = p_user);
        v_firm := (select p.code from auth.user_firm x join registry.party p on p.id = x.party_id where x.user_id = p_user);
    end if;
    perform auth.check_account(v_roles, v_areas, v_firm);
    if ('wallboard' = any (v_roles)) <> ('wallboard' = any (u.roles)) then
        perform auth.wrong_field('roles', 'a person can''t become a wall screen, nor a wall screen a person');
    end if;
    if p_change ? 'hash' and 'wallboard' = any (u.roles) then
        perform auth.wrong_field('new_password', 'a wall screen has no password');
    end if;
    if 'admin' = any (u.roles) and u.disabled_at is null and (v_disabled or not 'admin' = any (v_roles)) then
        perform auth.keep_an_admin(p_user);
    end if;
    update auth.user_account x set
        display_name = coalesce(p_change ->> 'display_name', x.display_name),
        language = coalesce(p_change ->> 'language', x.language),
        roles = v_roles,
        disabled_at = case when v_disabled then coalesce(x.disabled_at, now()) when v_disabled is false then null else x.disabled_at end,
        password_hash = coalesce(p_change ->> 'hash', x.password_hash),
        password_changed_at = case when p_change ? 'hash' then now() else x.password_changed_at end
    where x.id = p_user;
    if p_change ? 'scope' then
        perform auth.set_scope(p_user, v_areas, v_firm);
    end if;
    perform auth.end_sessions(p_user, p_change);
    perform auth.record('user.change', u.name, (p_change - 'hash')
        || case when p_change ? 'hash' then '{"new_password":true}'::jsonb else '{}' end || jsonb_build_object('id', p_user));
end
$$;
comment on function auth.change_user(bigint, jsonb) is 'Changes an account: {display_name, language, roles, disabled, scope:{areas,firm}, hash}. Disabling it or setting its password ends its sessions; other roles or another scope end its event streams.';

create or replace function auth.keep_an_admin(p_but bigint) returns void
language plpgsql as $$
begin
    -- Admins are locked in one order, so that two who disable each other at once can't both succeed.
    perform from auth.user_account u where 'admin' = any (u.roles) and u.disabled_at is null order by u.id for update;
    if not exists (select from auth.user_account u
                   where 'admin' = any (u.roles) and u.disabled_at is null and u.id <> p_but) then
        perform auth.problem(409, 'last_admin', 'this is the last admin; make another one first');
    end if;
end
$$;
comment on function auth.keep_an_admin(bigint) is 'Refuses to lose the last admin.';

create or replace function auth.end_sessions(p_user bigint, p_change jsonb) returns void
language plpgsql as $$
begin
    if (p_change ->> 'disabled')::boolean or p_change ? 'hash' then
        delete from auth.session s where s.user_id = p_user;
    elsif p_change ? 'roles' or p_change ? 'scope' then
        -- The session stays, the streams opened with its old scope don't.
        perform pg_notify('liftd', json_build_object('topic', 'session', 'hash', encode(s.token_hash, 'hex'))::text)
        from auth.session s where s.user_id = p_user;
    end if;
end
$$;
comment on function auth.end_sessions(bigint, jsonb) is 'Ends what a change of an account must end.';

create or replace function auth.set_own_password(p_hash text, p_session bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update auth.user_account u set password_hash = p_hash, password_changed_at = now() where u.id = auth.user_id();
    if not found then
        perform auth.problem(401, 'no_session', 'sign in first');
    end if;
    delete from auth.session s where s.user_id = auth.user_id() and s.token_hash <> p_session;
    perform auth.record('user.password', auth.user_name());
end
$$;
comment on function auth.set_own_password(text, bytea) is 'Sets the password of the account asking and ends its other sessions.';

create or replace function auth.set_own_language(p_language text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update auth.user_account u set language = p_language where u.id = auth.user_id()
$$;
comment on function auth.set_own_language(text) is 'Sets the language of the account asking.';

create or replace function auth.create_wallboard(p_name text, p_display_name text, p_areas text[], p_fresh bytea) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_id bigint;
begin
    v_id := auth.create_user(p_name, p_display_name, array ['wallboard'], null, null, p_areas, null);
    insert into auth.session (token_hash, user_id, kind, expires_at, remote)
    values (p_fresh, v_id, 'link', now() + interval '1 year', left(auth.remote(), 64));
    return v_id;
end
$$;
comment on function auth.create_wallboard(text, text, text[], bytea) is 'Makes an account for a wall screen and the link that opens it, good for a year or until the account is disabled.';
