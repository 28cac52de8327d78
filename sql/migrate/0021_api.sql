-- The API's catalog and its memory of idempotent requests. What the operations are is data, replayed at every deploy
-- from sql/api; the tables they are kept in are made here.

create schema if not exists api;
comment on schema api is 'The one door: api.handle() and the operations of /api/v1 it calls.';
revoke all on schema api from public;

create table api.operation (
    id text primary key check (id ~ '^[a-z][a-z_]{1,39}$'),
    method text not null check (method in ('GET', 'POST', 'PATCH', 'PUT', 'DELETE')),
    template text not null check (template ~ '^/api/v1/[a-z][a-z.-]*(/(\{[a-z]+\}|[a-z-]+)(/[a-z-]+){0,2})?$'),
    shape text not null generated always as (regexp_replace(template, '\{[a-z]+\}', '*')) stored,
    room text not null,
    roles text[],
    summary_zh text not null,
    summary_en text not null,
    parameters jsonb not null default '{}',
    path_pattern text not null default '^[1-9][0-9]{0,17}$',
    body jsonb,
    status int not null default 200,
    answer jsonb,
    columns jsonb,
    problems int[] not null default '{}',
    audited boolean not null default true,
    unique (shape, method)
);
comment on table api.operation is 'The operations: what routes, rights, checks and openapi.json are made from. Only the second step of a path may be a parameter, so a path is found by one look into the index (itself, or with * there).';
comment on column api.operation.id is 'operationId, and the name of the function in schema api that carries it out: (api.request) returns api.response.';
comment on column api.operation.method is 'HTTP method; HEAD goes where GET goes.';
comment on column api.operation.template is 'Path with its parameter in braces.';
comment on column api.operation.shape is 'Path with its parameter as *.';
comment on column api.operation.room is 'Tag in openapi.json.';
comment on column api.operation.roles is 'Roles that may call it; null for everybody, signed in or not.';
comment on column api.operation.summary_zh is 'What it does, in Chinese.';
comment on column api.operation.summary_en is 'What it does, in English.';
comment on column api.operation.parameters is 'Query parameters: name to JSON Schema (type, format, enum, minimum, maximum, maxLength, pattern, default, description).';
comment on column api.operation.path_pattern is 'What the path''s parameter looks like; anything else is not found.';
comment on column api.operation.body is 'JSON Schema of the request body; null when it takes none.';
comment on column api.operation.status is 'Status of success.';
comment on column api.operation.answer is 'JSON Schema of the answer; null when it has no JSON body.';
comment on column api.operation.columns is 'For lists: CSV columns as [[heading, path in an item], ...].';
comment on column api.operation.problems is 'Statuses of problems beside the ones every operation can have.';
comment on column api.operation.audited is 'Whether api.handle writes the audit line; false where the function does it itself.';

create table api.component (
    name text primary key check (name ~ '^[A-Z][A-Za-z]{1,39}$'),
    schema jsonb not null
);
comment on table api.component is 'Schemas that operations refer to as #/components/schemas/NAME.';
comment on column api.component.name is 'Name of the schema.';
comment on column api.component.schema is 'JSON Schema (2020-12), the part that api.check() understands.';

create table api.problem_title (
    code text primary key check (code ~ '^[a-z][a-z_]{2,39}$'),
    title_zh text not null,
    title_en text not null
);
comment on table api.problem_title is 'What each problem code says to people.';
comment on column api.problem_title.code is 'Stable code of the problem.';
comment on column api.problem_title.title_zh is 'Sentence in Chinese.';
comment on column api.problem_title.title_en is 'Sentence in English.';

create table api.idempotency (
    user_id bigint not null references auth.user_account,
    key text not null check (length(key) between 1 and 200),
    request_sha256 bytea not null,
    status int,
    headers jsonb,
    body text,
    at timestamptz not null default now(),
    primary key (user_id, key)
);
comment on table api.idempotency is 'Answers to requests that carried an Idempotency-Key, kept for a day: the same request again gets the same answer and does nothing.';
comment on column api.idempotency.user_id is 'Whose key.';
comment on column api.idempotency.key is 'The key the client chose.';
comment on column api.idempotency.request_sha256 is 'SHA-256 of method, path, query and body: another request under the same key is refused.';
comment on column api.idempotency.status is 'Status of the answer; null only while the first request is under way, in its own transaction.';
comment on column api.idempotency.headers is 'Headers of the answer.';
comment on column api.idempotency.body is 'Body of the answer.';
comment on column api.idempotency.at is 'When.';
create index idempotency_at on api.idempotency (at);
alter table api.idempotency enable row level security;

create type api.request as (
    operation text,
    id text,
    query jsonb,
    body jsonb,
    context jsonb,
    session bytea,
    fresh bytea,
    secret jsonb,
    expires_at timestamptz
);
comment on type api.request is 'What an operation is called with: checked query and body, the path''s parameter as id.';

create type api.response as (
    status int,
    headers jsonb,
    body json
);
comment on type api.response is 'What an operation answers. Status 1, 2 and 3 are requests to the gateway: verify a password, hash one, open an event stream.';

create index alarm_open_lift on alert.alarm (lift_id) where state <> 'cleared';
comment on index alert.alarm_open_lift is 'The open alarms of one lift, for the overview and lists of lifts.';
