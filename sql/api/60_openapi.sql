-- openapi.json, made from the catalog whenever the catalog is replayed: what it says is what api.handle checks.

create or replace function api.shape(p_fields text) returns jsonb
language plpgsql immutable as $$
declare
    v_properties jsonb := '{}';
    v_required jsonb := '[]';
    f text;
    m text[];
begin
    foreach f in array string_to_array(p_fields, ',') loop
        m := regexp_match(btrim(f, E' \n'), '^(\??)([a-z0-9_]+) (\[?)([A-Za-z]+)(\]?)(\??)$');
        if m is null then
            raise exception 'not a field: %', f;
        end if;
        v_properties := v_properties || jsonb_build_object(m[2], api.type_of(m[4], m[3] <> '', m[6] <> ''));
        if m[1] = '' then
            v_required := v_required || to_jsonb(m[2]);
        end if;
    end loop;
    return jsonb_build_object('type', 'object', 'properties', v_properties, 'additionalProperties', false)
        || case when v_required <> '[]' then jsonb_build_object('required', v_required) else '{}' end;
end
$$;
comment on function api.shape(text) is 'The schema of an object written short: "id int, gone_at at?, lifts [Lift], ?note str". A ? behind: it may be null; in front: it may be missing. Nothing else may be there.';

create or replace function api.type_of(p_name text, p_many boolean, p_null boolean) returns jsonb
language plpgsql immutable as $$
declare
    t jsonb;
begin
    t := case p_name
        when 'int' then '{"type":"integer"}' when 'num' then '{"type":"number"}' when 'str' then '{"type":"string"}'
        when 'bool' then '{"type":"boolean"}' when 'at' then '{"type":"string","format":"date-time"}'
        when 'on' then '{"type":"string","format":"date"}' when 'any' then '{}'
        else jsonb_build_object('$ref', '#/components/schemas/' || p_name) end;
    if p_many then
        t := jsonb_build_object('type', 'array', 'items', t);
    end if;
    if p_null and t ? 'type' then
        t := jsonb_set(t, '{type}', jsonb_build_array(t -> 'type', 'null'));
    elsif p_null and t <> '{}' then
        t := jsonb_build_object('anyOf', jsonb_build_array(t, '{"type":"null"}'::jsonb));
    end if;
    return t;
end
$$;
comment on function api.type_of(text, boolean, boolean) is 'The schema of one field.';

create or replace function api.ref(p_component text) returns jsonb
language sql immutable as $$
    select jsonb_build_object('$ref', '#/components/schemas/' || p_component)
$$;
comment on function api.ref(text) is 'A reference to a shared schema.';

create or replace function api.columns_of(p_columns text) returns jsonb
language sql immutable as $$
    select jsonb_agg(jsonb_build_array(split_part(c, '=', 1), coalesce(nullif(split_part(c, '=', 2), ''), c)) order by ord)
    from regexp_split_to_table(p_columns, ',\s*') with ordinality x (c, ord)
$$;
comment on function api.columns_of(text) is 'CSV columns written short: "id, name_zh, area=area.code": heading, and path in an item where it differs.';

create or replace function api.list_of(p_component text) returns jsonb
language sql immutable as $$
    select api.shape(format('items [%s], next str?', p_component))
$$;
comment on function api.list_of(text) is 'The schema of a page of a list.';

create or replace function api.openapi_problems(o api.operation) returns jsonb
language sql stable as $$
    select jsonb_object_agg(s::text, jsonb_build_object('$ref', '#/components/responses/Problem'))
    from (select unnest(o.problems) union select unnest(array [400, 422, 500, 503])
          union select unnest(array [413, 415]) where o.body is not null
          union select unnest(array [401, 403]) where o.roles is not null
          union select 404 where o.template like '%{%'
          union select 409 where o.method <> 'GET') x (s)
$$;
comment on function api.openapi_problems(api.operation) is 'The problems an operation can answer with.';

create or replace function api.openapi_operation(o api.operation) returns jsonb
language sql stable as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'operationId', o.id, 'tags', jsonb_build_array(o.room), 'summary', o.summary_en,
        'description', o.summary_zh || coalesce(E'\n\nRoles: ' || array_to_string(o.roles, ', ') || '.', ''),
        'x-roles', to_jsonb(o.roles),
        'security', case when o.roles is null then '[]'::jsonb end,
        'parameters', nullif(
            coalesce((select jsonb_agg(jsonb_build_object('name', m[1], 'in', 'path', 'required', true,
                    'schema', jsonb_build_object('type', 'string', 'pattern', o.path_pattern)))
                from regexp_matches(o.template, '\{([a-z]+)\}') m), '[]')
            || coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', p.key, 'in', 'query', 'schema', p.value - 'description',
                    'description', p.value -> 'description')) order by p.key) from jsonb_each(o.parameters) p), '[]')
            || case when o.method <> 'GET' and o.roles is not null
                then '[{"$ref":"#/components/parameters/IdempotencyKey"}]'::jsonb else '[]' end, '[]'),
        'requestBody', case when o.body is not null then jsonb_build_object('required', o.body ? 'required',
            'content', jsonb_build_object('application/json', jsonb_build_object('schema', o.body))) end,
        'responses', jsonb_build_object(o.status::text, jsonb_strip_nulls(jsonb_build_object('description', o.summary_en,
            'content', case when o.answer is not null then jsonb_build_object('application/json', jsonb_build_object('schema', o.answer))
                || case when o.columns is not null then '{"text/csv":{"schema":{"type":"string","description":"With format=csv."}}}'::jsonb else '{}' end
                when o.id = 'events' then '{"text/event-stream":{"schema":{"type":"string"}}}' end)))
            || api.openapi_problems(o)))
$$;
comment on function api.openapi_operation(api.operation) is 'An operation as OpenAPI describes it.';

create or replace function api.openapi_document() returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'openapi', '3.1.0',
        'info', json_build_object('title', 'liftd', 'version', '1',
            'description', 'Lifts, alarms and what people do about them. Instants are RFC 3339, dates ISO 8601. '
                'Lists answer {"items", "next"}; give next as after to go on. Problems are RFC 9457 documents with a stable code.'),
        'servers', json_build_array(json_build_object('url', '/')),
        'security', '[{"cookie":[]},{"bearer":[]}]'::json,
        'paths', (select json_object_agg(x.template, x.methods order by x.template) from (
            select o.template, jsonb_object_agg(lower(o.method), api.openapi_operation(o)) as methods
            from api.operation o group by o.template) x),
        'components', json_build_object(
            'schemas', (select json_object_agg(c.name, c.schema order by c.name) from api.component c),
            'parameters', '{"IdempotencyKey":{"name":"Idempotency-Key","in":"header","schema":{"type":"string","minLength":1,"maxLength":200},"description":"The same key with the same request again gets the first answer, for a day; with another request it is refused with 409."}}'::json,
            'responses', '{"Problem":{"description":"A problem document","content":{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}}}'::json,
            'securitySchemes', '{"cookie":{"type":"apiKey","in":"cookie","name":"liftd_session"},"bearer":{"type":"http","scheme":"bearer"}}'::json));
end
$$;
comment on function api.openapi_document() is 'The catalog as an OpenAPI 3.1 document.';

create or replace function api.openapi(r api.request) returns api.response
language plpgsql stable as $$
declare
    a api.response;
begin
    a.status := 200;
    a.headers := '{"Content-Type":"application/vnd.oai.openapi+json;version=3.1","Cache-Control":"no-cache"}';
    select d.body into strict a.body from api.document d where d.name = 'openapi';
    return a;
end
$$;
comment on function api.openapi(api.request) is 'GET /openapi.json: this API, described.';
