-- What the database is, for programs that must not start on another one.

create or replace function meta.schema(out number int, out replay_sha256 bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select (select max(m.number) from meta.migration m), (select r.sha256 from meta.replay r)
$$;
comment on function meta.schema() is 'Number of the newest migration applied, and which functions were replayed: what liftd compares with its own files before it serves.';
