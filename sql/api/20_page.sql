-- Pages and CSV: opaque cursors for keyset paging, lists as JSON, and the same lists as RFC 4180 text.

create or replace function api.cursor(variadic p_key text[]) returns text
language sql immutable as $$
    select translate(encode(convert_to(to_jsonb(p_key)::text, 'UTF8'), 'base64'), E'+/=\n', '-_')
$$;
comment on function api.cursor(text[]) is 'Packs the sort key of the last item into the opaque cursor of the next page.';

create or replace function api.cursor_key(p_cursor text, variadic p_types text[]) returns text[]
language plpgsql stable as $$
declare
    v_key text[];
begin
    if p_cursor is null then
        return null;
    end if;
    select array_agg(e) into v_key from jsonb_array_elements_text(convert_from(
        decode(translate(p_cursor, '-_', '+/') || repeat('=', (4 - length(p_cursor) % 4) % 4), 'base64'), 'UTF8')::jsonb) e;
    if cardinality(v_key) is distinct from cardinality(p_types) then
        perform auth.wrong_field('after', 'is not a cursor of this list');
    end if;
    for i in 1 .. cardinality(p_types) loop
        execute format('select %L::%s', v_key[i], p_types[i]::regtype);
    end loop;
    return v_key;
exception when data_exception then
    perform auth.wrong_field('after', 'is not a cursor of this list');
end
$$;
comment on function api.cursor_key(text, text[]) is 'The sort key in a cursor, as many texts as types named, each fit for its type; null without a cursor; a problem 422 for anything else.';

create or replace function api.list(p_items json[], p_limit int, p_next text) returns api.response
language plpgsql immutable as $$
declare
    a api.response;
    v_count constant int := coalesce(cardinality(p_items), 0);
begin
    a.status := 200;
    a.body := json_build_object('items', array_to_json(coalesce(p_items[:p_limit], '{}')),
                                'next', case when v_count > p_limit then p_next end);
    return a;
end
$$;
comment on function api.list(json[], int, text) is 'Answers a page. Operations fetch one item more than the limit, and name the cursor of the last item inside it.';

create or replace function api.csv_cell(p_value json) returns text
language sql immutable as $$
    select case when v is null then ''
        -- A spreadsheet runs what begins like this; an apostrophe makes it text. Numbers are left alone.
        when json_typeof(p_value) = 'string' and v ~ '^[-=+@\t\r\n＝＋－＠]' then '"''' || replace(v, '"', '""') || '"'
        when v ~ '[",\r\n]' or v ~ '^\s|\s$' then '"' || replace(v, '"', '""') || '"'
        else v end
    from (select p_value #>> '{}') x (v)
$$;
comment on function api.csv_cell(json) is 'One CSV field after RFC 4180, quoted where needed, harmless in a spreadsheet.';

create or replace function api.csv(p_items json, p_columns jsonb) returns text
language plpgsql stable as $$
begin
    return (
    -- The mark in front makes spreadsheets read Chinese as UTF-8.
    select chr(65279)
        || (select string_agg(api.csv_cell(to_json(c.value ->> 0)), ',' order by c.ordinality)
            from jsonb_array_elements(p_columns) with ordinality c) || E'\r\n'
        || coalesce((select string_agg(
            (select string_agg(api.csv_cell(i.value #> string_to_array(c.value ->> 1, '.')), ',' order by c.ordinality)
             from jsonb_array_elements(p_columns) with ordinality c) || E'\r\n', '' order by i.ordinality)
            from json_array_elements(p_items) with ordinality i), ''));
end
$$;
comment on function api.csv(json, jsonb) is 'A list''s items as CSV: a heading line, then a line per item, ended by CR LF.';
