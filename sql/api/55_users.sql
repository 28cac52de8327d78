-- Operations on accounts, wall screens and the audit trail, for admins (and to read, auditors).

create or replace function api.user_items(p_ids bigint[]) returns json[]
language plpgsql stable as $$
begin
    return (
    select coalesce(array_agg(json_build_object('id', u.id, 'name', u.name, 'display_name', u.display_name, 'roles', u.roles,
        'language', u.language, 'disabled', u.disabled_at is not null, 'disabled_at', u.disabled_at, 'created_at', u.created_at,
        'password_changed_at', u.password_changed_at,
        'scope', json_build_object(
            'areas', (select coalesce(json_agg(x.code order by x.code), '[]')
                      from auth.user_area s join registry.area x on x.id = s.area_id where s.user_id = u.id),
            'firm', (select p.code from auth.user_firm s join registry.party p on p.id = s.party_id where s.user_id = u.id)))
        order by i.ord), '{}')
    from unnest(p_ids) with ordinality i (id, ord)
    join auth.user_account u on u.id = i.id);
end
$$;
comment on function api.user_items(bigint[]) is 'Accounts as admins see them.';

create or replace function api.users(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'text');
    v_items json[];
begin
    v_items := api.user_items(array(select u.id from auth.user_account u
        where v_after is null or lower(u.name) > v_after[1] order by lower(u.name) limit v_limit + 1));
    return api.list(v_items, v_limit, api.cursor(lower(v_items[v_limit] ->> 'name')));
end
$$;
comment on function api.users(api.request) is 'GET /users: by name.';

create or replace function api.user_answer(p_status int, p_user bigint) returns api.response
language plpgsql stable as $$
declare
    a api.response;
begin
    a.status := p_status;
    a.headers := '{"Cache-Control":"no-store"}';
    a.body := (api.user_items(array [p_user]))[1];
    if a.body is null then
        perform auth.problem(404, 'not_found', 'there is no such account');
    end if;
    return a;
end
$$;
comment on function api.user_answer(int, bigint) is 'One account; a problem 404 unless the account asking may see it.';

create or replace function api.names(p_list jsonb) returns text[]
language sql immutable as $$
    select case jsonb_typeof(p_list) when 'array' then array(select jsonb_array_elements_text(p_list)) end
$$;
comment on function api.names(jsonb) is 'A JSON array of strings as text[]; null for anything else.';

create or replace function api.user_create(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
    v_id bigint;
begin
    if not coalesce(r.secret, '{}') ? 'hash' then
        -- Everything that could be wrong is wrong before twenty milliseconds are spent on hashing.
        perform auth.check_account(api.names(r.body -> 'roles'), api.names(r.body #> '{scope,areas}'), r.body #>> '{scope,firm}');
        a.status := 2;
        return a;
    end if;
    v_id := auth.create_user(r.body ->> 'name', r.body ->> 'display_name', api.names(r.body -> 'roles'),
        r.secret ->> 'hash', r.body ->> 'language', api.names(r.body #> '{scope,areas}'), r.body #>> '{scope,firm}');
    return api.user_answer(201, v_id);
end
$$;
comment on function api.user_create(api.request) is 'POST /users: makes an account.';

create or replace function api.user_change(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
    v_change jsonb := r.body - 'new_password';
begin
    if r.body ? 'new_password' then
        if not coalesce(r.secret, '{}') ? 'hash' then
            perform api.user_answer(200, r.id::bigint);
            a.status := 2;
            return a;
        end if;
        v_change := v_change || jsonb_build_object('hash', r.secret ->> 'hash');
    end if;
    perform auth.change_user(r.id::bigint, v_change);
    return api.user_answer(200, r.id::bigint);
end
$$;
comment on function api.user_change(api.request) is 'PATCH /users/{id}: changes an account.';

create or replace function api.wallboard_create(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
    v_id bigint;
begin
    v_id := auth.create_wallboard(r.body ->> 'name', r.body ->> 'display_name', api.names(r.body -> 'areas'), r.fresh);
    a := api.user_answer(201, v_id);
    -- The only time the address is known: in a header, where the gateway puts the fresh token.
    a.headers := a.headers || '{"Location":"/wallboard#{fresh}"}';
    return a;
end
$$;
comment on function api.wallboard_create(api.request) is 'POST /wallboards: makes a read-only address for a wall screen, told once in Location.';

create or replace function api.audit(r api.request) returns api.response
language plpgsql stable as $$
declare
    v_limit constant int := (r.query ->> 'limit')::int;
    v_after constant text[] := api.cursor_key(r.query ->> 'after', 'bigint');
    v_items json[];
begin
    v_items := array(select json_build_object('id', x.id, 'at', x.at, 'user_id', x.user_id, 'user_name', x.user_name,
            'remote', x.remote, 'action', x.action, 'object', x.object, 'detail', x.detail)
        from auth.audit x
        where (v_after is null or x.id < v_after[1]::bigint)
          and (r.query ->> 'user' is null or x.user_id = (r.query ->> 'user')::bigint)
          and (r.query ->> 'action' is null or x.action = r.query ->> 'action')
        order by x.id desc limit v_limit + 1);
    return api.list(v_items, v_limit, api.cursor(v_items[v_limit] ->> 'id'));
end
$$;
comment on function api.audit(api.request) is 'GET /audit: what people did, latest first.';
