-- openapi.json as text, made once at every deploy: anybody may ask for it, and making it takes 25 ms.

create table api.document (
    name text primary key,
    body json not null,
    made_at timestamptz not null default now()
);
comment on table api.document is 'Documents made from the catalog when it is replayed.';
comment on column api.document.name is 'openapi.';
comment on column api.document.body is 'The document.';
comment on column api.document.made_at is 'When it was made.';
