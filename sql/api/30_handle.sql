-- The door: one call per request. It recognises the session, finds the operation, checks rights and input, calls the
-- operation's function and turns whatever is raised into a problem document.

create or replace function api.problem(p_status int, p_code text, p_detail text, p_more jsonb, p_language text)
returns api.response
language plpgsql stable as $$
declare
    a api.response;
begin
    a.status := p_status;
    a.headers := coalesce(p_more -> 'headers', '{}') || '{"Content-Type":"application/problem+json"}';
    select json_strip_nulls(json_build_object(
        'type', 'urn:liftd:problem:' || p_code,
        'title', coalesce(case p_language when 'en' then t.title_en else t.title_zh end, p_code),
        'status', p_status, 'detail', p_detail, 'code', p_code,
        'errors', p_more -> 'errors', 'incident', p_more -> 'incident'))
    into a.body
    from (select) one left join api.problem_title t on t.code = p_code;
    return a;
end
$$;
comment on function api.problem(int, text, text, jsonb, text) is 'A problem document after RFC 9457; title in the reader''s language, detail in English.';

-- What the client can mend is told; what is nobody's fault and passes is 503 with Retry-After; the rest is a fault of
-- ours: 500 with a number that finds the full story in PostgreSQL's log, and not a word more. Cancelled statements
-- (57014) can't be caught here; the gateway answers them.
create or replace function api.problem_of(p_sqlstate text, p_message text, p_detail text, p_column text, p_context text,
                                          p_language text) returns api.response
language plpgsql as $$
declare
    v_incident text;
    v_more jsonb;
begin
    if p_sqlstate ~ '^LP[45][0-9]{2}$' then
        v_more := p_detail::jsonb;
        return api.problem(substr(p_sqlstate, 3)::int, v_more ->> 'code', p_message, v_more, p_language);
    elsif p_sqlstate = '22023' and p_column <> '' then
        return api.problem(422, 'invalid', p_message,
            jsonb_build_object('errors', api.error(p_column, p_message)), p_language);
    elsif p_sqlstate in ('23505', '23503', '23P01', '23001') then
        return api.problem(409, 'conflict', 'this clashes with what is there already', '{}', p_language);
    elsif p_sqlstate in ('40001', '40P01', '55P03', '25006') or p_sqlstate like '53%' or p_sqlstate like '57P%' then
        return api.problem(503, 'busy', 'the database is busy; nothing was changed', '{"headers":{"Retry-After":"1"}}', p_language);
    end if;
    v_incident := gen_random_uuid();
    raise log 'incident %: % % [%] %', v_incident, p_sqlstate, p_message, p_detail, p_context;
    return api.problem(500, 'internal', 'something went wrong in liftd; nothing was changed',
        jsonb_build_object('incident', v_incident), p_language);
end
$$;
comment on function api.problem_of(text, text, text, text, text, text) is 'The problem document for an error that was raised.';

create or replace function api.route(p_method text, p_path text, out operation api.operation, out id text)
language plpgsql stable as $$
declare
    v_steps text[];
    v_shapes text[];
    v_methods text;
begin
    if p_path !~ '^/api/v1/[^/]+(/[^/]+){0,3}$' or length(p_path) > 500 then
        perform auth.problem(404, 'not_found', 'there is nothing at this address');
    end if;
    v_steps := string_to_array(substr(p_path, 9), '/');
    v_shapes := array [p_path];
    if cardinality(v_steps) > 1 then
        id := v_steps[2];
        v_steps[2] := '*';
        v_shapes := v_shapes || ('/api/v1/' || array_to_string(v_steps, '/'));
    end if;
    select * into operation from api.operation o
    where o.shape = any (v_shapes) and o.method = case p_method when 'HEAD' then 'GET' else p_method end
    order by o.shape = v_shapes[1] desc limit 1;
    if operation.id is null then
        select string_agg(m, ', ' order by m) into v_methods from (
            select distinct unnest(case o.method when 'GET' then array ['GET', 'HEAD'] else array [o.method] end) as m
            from api.operation o where o.shape = any (v_shapes)) x;
        if v_methods is null then
            perform auth.problem(404, 'not_found', 'there is nothing at this address');
        end if;
        perform auth.problem(405, 'method_not_allowed', 'this address takes ' || v_methods,
            jsonb_build_object('headers', jsonb_build_object('Allow', v_methods)));
    end if;
    if operation.shape = v_shapes[1] then
        id := null;
    end if;
end
$$;
comment on function api.route(text, text) is 'The operation at an address and the parameter in its path; a problem 404 or 405 when there is none.';

create or replace function api.check_body(p_operation api.operation, p_body jsonb) returns jsonb
language plpgsql stable as $$
declare
    v_errors jsonb;
begin
    if p_operation.body is null then
        if p_body is not null and p_body <> '{}' then
            perform auth.problem(422, 'invalid', 'this operation takes no body');
        end if;
        return null;
    end if;
    v_errors := api.check(p_operation.body, coalesce(p_body, '{}'), '');
    if v_errors <> '[]' then
        perform auth.problem(422, 'invalid', 'the body is not as it must be', jsonb_build_object('errors', v_errors));
    end if;
    return coalesce(p_body, '{}');
end
$$;
comment on function api.check_body(api.operation, jsonb) is 'The body, {} for none; a problem 422 naming every wrong field.';

create or replace function api.page_size(p_query jsonb, p_named boolean) returns jsonb
language plpgsql immutable as $$
begin
    if p_query ->> 'format' = 'csv' then
        return case when p_named then p_query else jsonb_set(p_query, '{limit}', '10000') end;
    elsif (p_query ->> 'limit')::int > 1000 then
        perform auth.wrong_field('limit', api.paging() #>> '{limit,x-range}');
    end if;
    return p_query;
end
$$;
comment on function api.page_size(jsonb, boolean) is 'A list''s query with its page size: bounded for JSON, by default everything up to 10,000 for CSV.';

create or replace function api.permit(p_operation api.operation) returns void
language plpgsql stable as $$
begin
    if p_operation.roles is null then
        return;
    elsif auth.user_id() is null then
        perform auth.problem(401, 'no_session', 'sign in first', '{"headers":{"WWW-Authenticate":"Bearer realm=\"liftd\""}}');
    elsif not p_operation.roles && auth.roles() then
        perform auth.problem(403, 'forbidden', 'this needs one of the roles ' || array_to_string(p_operation.roles, ', '));
    end if;
end
$$;
comment on function api.permit(api.operation) is 'A problem 401 or 403 unless the account asking may call the operation.';

create or replace function api.call(p_operation api.operation, r api.request) returns api.response
language plpgsql as $$
declare
    a api.response;
begin
    execute format('select * from api.%I($1)', p_operation.id) into a using r;
    if p_operation.audited and p_operation.method <> 'GET' and a.status between 200 and 299 then
        perform auth.record(p_operation.id, r.id, r.body);
    end if;
    return a;
end
$$;
comment on function api.call(api.operation, api.request) is 'Calls an operation''s function and writes the audit line of what changed something.';

-- The first request with a key holds its row until it commits; a second one waits there and then finds the answer. A
-- request that ends in a problem leaves no row, so it can be mended and sent again under the same key.
create or replace function api.call_once(p_operation api.operation, r api.request, p_key text, p_hash bytea)
returns api.response
language plpgsql as $$
declare
    a api.response;
    v_kept api.idempotency;
begin
    if p_key !~ '^[ -~]{1,200}$' then
        perform auth.problem(400, 'bad_key', 'an Idempotency-Key has 1 to 200 printable ASCII characters');
    end if;
    delete from api.idempotency i where i.user_id = auth.user_id() and i.key = p_key and i.at < now() - interval '24 hours';
    insert into api.idempotency (user_id, key, request_sha256) values (auth.user_id(), p_key, p_hash)
    on conflict (user_id, key) do nothing;
    if not found then
        select * into strict v_kept from api.idempotency i where i.user_id = auth.user_id() and i.key = p_key;
        if v_kept.request_sha256 <> p_hash then
            perform auth.problem(409, 'key_reused', 'this Idempotency-Key was used for another request');
        end if;
        a.status := v_kept.status;
        a.headers := v_kept.headers || '{"Idempotency-Replayed":"true"}';
        a.body := v_kept.body::json;
        return a;
    end if;
    a := api.call(p_operation, r);
    if a.status between 200 and 299 then
        update api.idempotency i set status = a.status, headers = coalesce(a.headers, '{}'), body = a.body::text
        where i.user_id = auth.user_id() and i.key = p_key;
    else
        delete from api.idempotency i where i.user_id = auth.user_id() and i.key = p_key;
    end if;
    return a;
end
$$;
comment on function api.call_once(api.operation, api.request, text, bytea) is 'Calls an operation under an Idempotency-Key: at most once a day with effect, the same answer every time.';

create or replace function api.as_csv(p_operation api.operation, p_path text, r api.request, a api.response)
returns api.response
language plpgsql stable as $$
declare
    v_next constant text := a.body ->> 'next';
    v_query text;
begin
    a.headers := coalesce(a.headers, '{}') || jsonb_build_object('Content-Type', 'text/csv; charset=utf-8; header=present',
        'Content-Disposition', format('attachment; filename="%s.csv"', p_operation.id));
    if v_next is not null then
        select string_agg(q.key || '=' || api.escape(q.value), '&' order by q.key) into v_query
        from jsonb_each_text(r.query || jsonb_build_object('after', v_next)) q;
        a.headers := a.headers || jsonb_build_object('Link', format('<%s?%s>; rel="next"', p_path, v_query));
    end if;
    return a;
end
$$;
comment on function api.as_csv(api.operation, text, api.request, api.response) is 'The headers of a list sent as CSV; a list cut off by its limit names the rest in Link.';

create or replace function api.escape(p_text text) returns text
language sql immutable as $$
    select coalesce(string_agg(case when b between 48 and 57 or b between 65 and 90 or b between 97 and 122 or b in (45, 46, 95, 126)
        then chr(b) else '%' || upper(lpad(to_hex(b), 2, '0')) end, '' order by i), '')
    from (select i, get_byte(convert_to(p_text, 'UTF8'), i) as b
          from generate_series(0, octet_length(convert_to(p_text, 'UTF8')) - 1) i) x
$$;
comment on function api.escape(text) is 'Text as it may stand in an address, percent-encoded.';

create or replace function api.language_of(p_own text, p_accepted text) returns text
language sql immutable as $$
    select coalesce(p_own, case when p_accepted ~* '^\s*en\M' then 'en' else 'zh' end)
$$;
comment on function api.language_of(text, text) is 'Language of an answer: the account''s, else English for a browser that asks for it first, else Chinese.';

create or replace function api.handle(p_method text, p_path text, p_query jsonb, p_body jsonb, p_context jsonb,
                                      p_session bytea, p_fresh bytea, p_secret jsonb)
returns table (status int, headers jsonb, body text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'Asia/Shanghai' set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
    who record;
    v_route record;
    o api.operation;
    r api.request;
    a api.response;
    v_key constant text := p_context ->> 'idempotency_key';
    v_state text;
    v_message text;
    v_detail text;
    v_column text;
    v_context text;
begin
    select * into who from auth.enter(p_session, p_context ->> 'remote');
    begin
        select * into v_route from api.route(p_method, p_path);
        o := v_route.operation;
        r.id := v_route.id;
        perform api.permit(o);
        if r.id !~ o.path_pattern then
            perform auth.problem(404, 'not_found', 'there is nothing at this address');
        end if;
        r.operation := o.id;
        r.query := api.check_query(o.parameters, coalesce(p_query, '{}'));
        if o.columns is not null then
            r.query := api.page_size(r.query, p_query ? 'limit');
        end if;
        r.body := api.check_body(o, p_body);
        r.context := p_context;
        r.session := p_session;
        r.fresh := p_fresh;
        r.secret := p_secret;
        r.expires_at := who.expires_at;
        if v_key is not null and o.method <> 'GET' and auth.user_id() is not null then
            a := api.call_once(o, r, v_key, sha256(convert_to(jsonb_build_array(p_method, p_path, p_query, p_body)::text, 'UTF8')));
        else
            a := api.call(o, r);
        end if;
        if r.query ->> 'format' = 'csv' and a.status = 200 then
            a := api.as_csv(o, p_path, r, a);
            body := api.csv(a.body -> 'items', o.columns);
        else
            body := a.body::text;
        end if;
    exception when others then
        get stacked diagnostics v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
            v_column = column_name, v_context = pg_exception_context;
        a := api.problem_of(v_state, v_message, v_detail, v_column, v_context,
                            api.language_of(who.language, p_context ->> 'accept_language'));
        body := a.body::text;
    end;
    status := a.status;
    headers := '{"Cache-Control":"private, no-cache"}'::jsonb || coalesce(a.headers, '{}');
    if status = 200 and o.method = 'GET' then
        headers := jsonb_set(headers, '{ETag}', to_jsonb(format('W/"%s"', to_hex(hashtextextended(body, 0)))));
        if p_context ->> 'if_none_match' = headers ->> 'ETag' then
            status := 304;
            body := null;
        end if;
    end if;
    return next;
end
$$;
comment on function api.handle(text, text, jsonb, jsonb, jsonb, bytea, bytea, jsonb) is 'Answers one HTTP request: method, decoded path, query, body, context, SHA-256 of the session token, SHA-256 of a token fresh for this request, and what the gateway learned about the password kept aside. Status 1 asks it to verify that password, 2 to hash it, 3 to open an event stream.';
