-- Checking JSON against the catalog's schemas: bodies and query parameters on the way in, and, in tests, answers on the
-- way out. Understands the part of JSON Schema 2020-12 the catalog uses and refuses to work with any other.

create or replace function api.error(p_field text, p_detail text) returns jsonb
language sql immutable as $$
    select jsonb_build_array(jsonb_build_object('field', p_field, 'detail', p_detail))
$$;
comment on function api.error(text, text) is 'A list of one field error.';

create or replace function api.resolve(p_schema jsonb) returns jsonb
language plpgsql stable as $$
declare
    v_found jsonb;
begin
    if (p_schema ? '$ref') is not true then
        return p_schema;
    end if;
    select c.schema into strict v_found from api.component c
    where c.name = substr(p_schema ->> '$ref', length('#/components/schemas/') + 1);
    return v_found;
end
$$;
comment on function api.resolve(jsonb) is 'The schema itself, or the component it refers to.';

create or replace function api.check(p_schema jsonb, p_value jsonb, p_field text) returns jsonb
language plpgsql stable as $$
declare
    s constant jsonb := api.resolve(p_schema);
    v_type constant text := case when jsonb_typeof(p_value) = 'number' and (p_value #>> '{}')::numeric % 1 = 0
                                 then 'integer' else jsonb_typeof(p_value) end;
    v_types constant jsonb := case jsonb_typeof(s -> 'type') when 'array' then s -> 'type'
                                   when 'string' then jsonb_build_array(s -> 'type') end;
begin
    if s ? 'x-kept' then
        -- A password: the gateway keeps the text and leaves true in its place.
        return case when p_value = 'true' then '[]' else api.error(p_field, 'must be string') end;
    elsif s ? 'anyOf' then
        return api.check_any(s -> 'anyOf', p_value, p_field);
    end if;
    if v_types is not null and not (v_types ? v_type or v_type = 'integer' and v_types ? 'number') then
        return api.error(p_field, format('must be %s, not %s',
            (select string_agg(t, ' or ') from jsonb_array_elements_text(v_types) t), v_type));
    end if;
    if s ? 'enum' and not s -> 'enum' @> jsonb_build_array(p_value) then
        return api.error(p_field, 'must be one of ' || (select string_agg(e #>> '{}', ', ') from jsonb_array_elements(s -> 'enum') e));
    end if;
    return case v_type
        when 'object' then api.check_object(s, p_value, p_field)
        when 'array' then api.check_array(s, p_value, p_field)
        when 'string' then api.check_string(s, p_value #>> '{}', p_field)
        when 'integer' then api.check_number(s, (p_value #>> '{}')::numeric, p_field)
        when 'number' then api.check_number(s, (p_value #>> '{}')::numeric, p_field)
        else '[]' end;
end
$$;
comment on function api.check(jsonb, jsonb, text) is 'What is wrong with a value: [] or [{"field","detail"}, ...].';

create or replace function api.check_any(p_choices jsonb, p_value jsonb, p_field text) returns jsonb
language plpgsql stable as $$
declare
    v_first jsonb;
    v_errors jsonb;
    c jsonb;
begin
    for c in select * from jsonb_array_elements(p_choices) loop
        v_errors := api.check(c, p_value, p_field);
        if v_errors = '[]' then
            return v_errors;
        end if;
        v_first := coalesce(v_first, v_errors);
    end loop;
    return v_first;
end
$$;
comment on function api.check_any(jsonb, jsonb, text) is 'Checks a value that may be one of several things; the errors are those of the first choice.';

create or replace function api.check_object(s jsonb, p_value jsonb, p_field text) returns jsonb
language plpgsql stable as $$
declare
    v_errors jsonb := '[]';
    v_prefix constant text := case when p_field = '' then '' else p_field || '.' end;
    v_key text;
    v_member jsonb;
    v_count int := 0;
begin
    for v_key in select k from jsonb_array_elements_text(coalesce(s -> 'required', '[]')) k where not p_value ? k loop
        v_errors := v_errors || api.error(v_prefix || v_key, 'is missing');
    end loop;
    for v_key, v_member in select * from jsonb_each(p_value) loop
        v_count := v_count + 1;
        if s -> 'properties' ? v_key then
            v_errors := v_errors || api.check(s -> 'properties' -> v_key, v_member, v_prefix || v_key);
        elsif jsonb_typeof(s -> 'additionalProperties') = 'object' then
            v_errors := v_errors || api.check(s -> 'additionalProperties', v_member, v_prefix || v_key);
        elsif s ? 'properties' then
            v_errors := v_errors || api.error(v_prefix || left(v_key, 60), 'is unknown');
        end if;
        -- Enough to mend a form by; a body of ten thousand unknown fields isn't answered with ten thousand errors.
        exit when jsonb_array_length(v_errors) >= 20;
    end loop;
    if v_count < (s ->> 'minProperties')::int then
        v_errors := v_errors || api.error(p_field, 'must name at least one field');
    end if;
    return v_errors;
end
$$;
comment on function api.check_object(jsonb, jsonb, text) is 'Checks an object: fields missing, unknown or wrong; at most about 20 errors.';

create or replace function api.check_array(s jsonb, p_value jsonb, p_field text) returns jsonb
language plpgsql stable as $$
declare
    v_errors jsonb := '[]';
    v_count constant int := jsonb_array_length(p_value);
begin
    if v_count > (s ->> 'maxItems')::int then
        return api.error(p_field, format('may have at most %s entries', s ->> 'maxItems'));
    elsif v_count < (s ->> 'minItems')::int then
        return api.error(p_field, format('needs at least %s entries', s ->> 'minItems'));
    elsif (s ->> 'uniqueItems')::boolean and v_count <> (select count(distinct e) from jsonb_array_elements(p_value) e) then
        return api.error(p_field, 'must not name anything twice');
    end if;
    for i in 0 .. v_count - 1 loop
        exit when not s ? 'items' or jsonb_array_length(v_errors) >= 20;
        v_errors := v_errors || api.check(s -> 'items', p_value -> i, p_field || '[' || i || ']');
    end loop;
    return v_errors;
end
$$;
comment on function api.check_array(jsonb, jsonb, text) is 'Checks an array and its entries.';

create or replace function api.check_string(s jsonb, p_value text, p_field text) returns jsonb
language plpgsql stable as $$
begin
    if length(p_value) > (s ->> 'maxLength')::int then
        return api.error(p_field, format('may have at most %s characters', s ->> 'maxLength'));
    elsif length(p_value) < (s ->> 'minLength')::int then
        return api.error(p_field, case when s ->> 'minLength' = '1' then 'must not be empty'
            else format('needs at least %s characters', s ->> 'minLength') end);
    elsif s ? 'pattern' and p_value !~ (s ->> 'pattern') then
        return api.error(p_field, coalesce(s ->> 'x-pattern', 'must match ' || (s ->> 'pattern')));
    elsif s ->> 'format' = 'date-time' and api.instant(p_value) is null then
        return api.error(p_field, 'must be an instant like 2026-11-23T08:00:00+08:00');
    elsif s ->> 'format' = 'date' and api.day(p_value) is null then
        return api.error(p_field, 'must be a date like 2026-11-23');
    end if;
    return '[]';
end
$$;
comment on function api.check_string(jsonb, text, text) is 'Checks a string: length, pattern, date or instant.';

create or replace function api.check_number(s jsonb, p_value numeric, p_field text) returns jsonb
language plpgsql immutable as $$
begin
    if p_value < (s ->> 'minimum')::numeric or p_value > (s ->> 'maximum')::numeric then
        return api.error(p_field, case
            when s ? 'x-range' then s ->> 'x-range'
            when not s ? 'maximum' then format('must be at least %s', s ->> 'minimum')
            when not s ? 'minimum' then format('must be at most %s', s ->> 'maximum')
            else format('must be from %s to %s', s ->> 'minimum', s ->> 'maximum') end);
    end if;
    return '[]';
end
$$;
comment on function api.check_number(jsonb, numeric, text) is 'Checks a number''s bounds.';

-- A plus sign that arrived unescaped in an address has become a space: it is taken as the plus it was meant as.
create or replace function api.instant(p_value text) returns timestamptz
language plpgsql stable as $$
begin
    if p_value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+ -][0-9]{2}:[0-9]{2})$' then
        return replace(p_value, ' ', '+')::timestamptz;
    end if;
    return null;
exception when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
    return null;
end
$$;
comment on function api.instant(text) is 'An RFC 3339 instant, or null when it is none.';

create or replace function api.day(p_value text) returns date
language plpgsql stable as $$
begin
    if p_value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
        return p_value::date;
    end if;
    return null;
exception when datetime_field_overflow or invalid_datetime_format then
    return null;
end
$$;
comment on function api.day(text) is 'An ISO 8601 date, or null when it is none.';

-- Query parameters arrive as strings; they leave as the JSON their schema asks for, defaults filled in.
create or replace function api.check_query(p_parameters jsonb, p_query jsonb) returns jsonb
language plpgsql stable as $$
declare
    v_errors jsonb := '[]';
    v_out jsonb := '{}';
    v_name text;
    v_value jsonb;
    v_schema jsonb;
    v_text text;
begin
    for v_name, v_value in select * from jsonb_each(p_query) loop
        v_schema := api.resolve(p_parameters -> v_name);
        v_text := v_value #>> '{}';
        if v_schema is null then
            v_errors := v_errors || api.error(left(v_name, 60), 'is unknown');
        elsif jsonb_typeof(v_value) <> 'string' then
            v_errors := v_errors || api.error(v_name, 'must be given once');
        elsif v_schema ->> 'type' = 'integer' and v_text !~ '^-?[0-9]{1,18}$' then
            v_errors := v_errors || api.error(v_name, 'must be a whole number');
        elsif v_schema ->> 'type' = 'boolean' and v_text not in ('true', 'false') then
            v_errors := v_errors || api.error(v_name, 'must be true or false');
        else
            v_value := case when v_schema ->> 'type' = 'integer' then to_jsonb(v_text::bigint)
                            when v_schema ->> 'type' = 'boolean' then to_jsonb(v_text::boolean) else v_value end;
            v_errors := v_errors || api.check(v_schema, v_value, v_name);
            v_out := jsonb_set(v_out, array [v_name], v_value);
        end if;
        exit when jsonb_array_length(v_errors) >= 20;
    end loop;
    for v_name, v_value in select p.key, p.value -> 'default' from jsonb_each(p_parameters) p where p.value ? 'default' loop
        if not v_out ? v_name then
            v_out := jsonb_set(v_out, array [v_name], v_value);
        end if;
    end loop;
    if v_errors <> '[]' then
        perform auth.problem(422, 'invalid', 'the address has wrong parameters', jsonb_build_object('errors', v_errors));
    end if;
    return v_out;
end
$$;
comment on function api.check_query(jsonb, jsonb) is 'The query with its values typed and defaults filled in; a problem 422 naming every wrong parameter.';
