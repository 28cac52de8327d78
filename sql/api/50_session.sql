-- Operations on one's own session and account. Passwords never come here: the gateway keeps them aside and is asked to
-- verify (status 1) or hash (status 2) the one it keeps.


create or replace function api.own_account() returns json
language sql stable as $$
    select json_build_object('id', u.id, 'name', u.name, 'display_name', u.display_name, 'roles', u.roles,
        'language', u.language)
    from auth.user_account u where u.id = auth.user_id()
$$;
comment on function api.own_account() is 'The account asking, as JSON.';

create or replace function api.cookie(p_value text, p_seconds int) returns jsonb
language sql immutable as $$
    select jsonb_build_object('Cache-Control', 'no-store', 'Set-Cookie',
        format('liftd_session=%s; Path=/; Max-Age=%s; HttpOnly; SameSite=Strict', p_value, p_seconds))
$$;
comment on function api.cookie(text, int) is 'Headers that set the session cookie; the gateway puts the fresh token where {fresh} stands.';

create or replace function api.session_open(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
    v_name constant text := r.body ->> 'name';
    v_wait int;
begin
    if not coalesce(r.secret, '{}') ? 'verified' then
        v_wait := auth.throttled(v_name, r.context ->> 'remote');
        if v_wait > 0 then
            return api.problem(429, 'throttled', format('too many attempts; try again in %s seconds', v_wait),
                jsonb_build_object('headers', jsonb_build_object('Retry-After', v_wait::text)),
                api.language_of(null, r.context ->> 'accept_language'));
        end if;
        a.status := 1;
        a.headers := jsonb_build_object('argon2id', auth.challenge(v_name));
        return a;
    end if;
    if auth.open_session(v_name, (r.secret ->> 'verified')::boolean, r.fresh, r.context ->> 'remote',
                         r.context ->> 'user_agent') is null then
        -- Answered, not raised: the count of attempts must outlive the answer.
        return api.problem(401, 'wrong_password', 'name or password is wrong', '{}',
            api.language_of(null, r.context ->> 'accept_language'));
    end if;
    perform auth.enter(r.fresh, r.context ->> 'remote');
    a.status := 200;
    a.headers := api.cookie('{fresh}', 604800);
    a.body := json_build_object('user', api.own_account());
    return a;
end
$$;
comment on function api.session_open(api.request) is 'POST /session: signs in with name and password.';

create or replace function api.wallboard_open(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
begin
    if auth.open_wallboard(r.session, r.fresh, r.context ->> 'remote', r.context ->> 'user_agent') is null then
        perform auth.problem(401, 'no_session', 'this wall screen''s address is no longer valid');
    end if;
    perform auth.enter(r.fresh, r.context ->> 'remote');
    a.status := 200;
    a.headers := api.cookie('{fresh}', 31536000);
    a.body := json_build_object('user', api.own_account());
    return a;
end
$$;
comment on function api.wallboard_open(api.request) is 'POST /session/wallboard: opens a wall screen''s session with the token of its link as bearer.';

create or replace function api.session_close(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
begin
    perform auth.close_session(r.session);
    a.status := 204;
    a.headers := api.cookie('', 0);
    return a;
end
$$;
comment on function api.session_close(api.request) is 'DELETE /session: signs out; also when nobody is signed in.';

create or replace function api.me(r api.request) returns api.response
language plpgsql stable as $$
declare
    a api.response;
begin
    a.status := 200;
    a.headers := '{"Cache-Control":"no-store"}';
    a.body := json_build_object('user', api.own_account(), 'session', json_build_object('expires_at', r.expires_at));
    return a;
end
$$;
comment on function api.me(api.request) is 'GET /me: who is signed in.';

create or replace function api.me_change(r api.request) returns api.response
language plpgsql as $$
begin
    perform auth.set_own_language(r.body ->> 'language');
    return api.me(r);
end
$$;
comment on function api.me_change(api.request) is 'PATCH /me: sets one''s own language.';

create or replace function api.me_password(r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
    v_wait int;
begin
    if not coalesce(r.secret, '{}') ? 'verified' then
        v_wait := auth.throttled(auth.user_name(), r.context ->> 'remote');
        if v_wait > 0 then
            return api.problem(429, 'throttled', format('too many attempts; try again in %s seconds', v_wait),
                jsonb_build_object('headers', jsonb_build_object('Retry-After', v_wait::text)),
                api.language_of(null, r.context ->> 'accept_language'));
        end if;
        a.status := 1;
        a.headers := jsonb_build_object('argon2id', auth.challenge_self());
    elsif (r.secret ->> 'verified')::boolean is not true then
        return api.problem(422, 'wrong_password', 'the present password is wrong',
            jsonb_build_object('errors', api.error('password', 'is wrong')),
            api.language_of(null, r.context ->> 'accept_language'));
    elsif not r.secret ? 'hash' then
        a.status := 2;
    else
        perform auth.set_own_password(r.secret ->> 'hash', r.session);
        perform auth.forgive(auth.user_name(), r.context ->> 'remote');
        a.status := 204;
    end if;
    return a;
end
$$;
comment on function api.me_password(api.request) is 'POST /me/password: sets one''s own password after proving the present one; ends one''s other sessions.';

create or replace function api.events(r api.request) returns api.response
language plpgsql stable as $$
declare
    a api.response;
begin
    a.status := 3;
    a.body := json_build_object('lifts', case when auth.sees_all() then to_json('all'::text) else to_json(auth.lift_ids()) end,
                                'session', encode(r.session, 'hex'));
    return a;
end
$$;
comment on function api.events(api.request) is 'GET /events: tells the gateway to open the event stream, and for which lifts.';
