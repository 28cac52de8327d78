-- The parts of auth one by one: who is asking, problems, counting attempts, keeping an admin and the newest sessions,
-- and an audit trail that stays as it was written.
begin;
\ir lib/world.sql
select no_plan();
create function pg_temp.id(p_name text) returns bigint language sql as 'select id from auth.user_account where name = p_name';
create function pg_temp.token(p_name text) returns bytea language sql as $$ select sha256(convert_to('token of ' || p_name, 'UTF8')) $$;

-- What was raised by a statement: SQLSTATE, message and detail; and where.
create function pg_temp.raised(p_sql text, p_where boolean default false) returns text language plpgsql as $$
declare
    v_message text; v_detail text; v_context text;
begin
    execute p_sql;
    return 'nothing';
exception when others then
    get stacked diagnostics v_message = message_text, v_detail = pg_exception_detail, v_context = pg_exception_context;
    return case when p_where then regexp_replace(v_context, ' line .*', '') else concat_ws(' | ', sqlstate, v_message, v_detail) end;
end
$$;

-- Who is asking.
create function pg_temp.who() returns text language sql as $$
    select concat_ws(' | ', coalesce(auth.user_name(), '-'), (auth.user_id() is not null)::text, auth.roles()::text, auth.has_role('admin')::text,
        auth.has_role('dispatcher')::text, auth.sees_all()::text, auth.sees_accounts()::text, cardinality(auth.area_ids())::text,
        cardinality(auth.lift_ids())::text, coalesce(auth.remote(), '-'))
$$;
select is(pg_temp.who(), '- | false | {} | false | false | false | false | 0 | 0 | -', 'nobody, before anybody entered');
create function pg_temp.enter(p_name text) returns text language plpgsql as $$
begin
    perform auth.enter(pg_temp.token(p_name), '192.0.2.1');
    return pg_temp.who();
end
$$;
select is(pg_temp.enter(v.name), v.who, 'who ' || v.name || ' is')
from (values ('admin', 'admin | true | {admin} | true | false | true | true | 0 | 0 | 192.0.2.1'),
    ('auditor', 'auditor | true | {auditor} | false | false | true | true | 0 | 0 | 192.0.2.1'),
    ('dispatcher', 'dispatcher | true | {dispatcher} | false | true | true | false | 0 | 0 | 192.0.2.1'),
    ('planner', 'planner | true | {planner} | false | false | false | false | 0 | 1 | 192.0.2.1'),
    ('auditor-g2', 'auditor-g2 | true | {auditor} | false | false | false | false | 1 | 2 | 192.0.2.1'),
    ('nobody', '- | false | {} | false | false | false | false | 0 | 0 | 192.0.2.1')) v (name, who);
select auth.enter(pg_temp.token('auditor-g2'), null);
select is(auth.area_ids(), array(select id from registry.area where code = 'g2'), 'an account''s areas');
select is(auth.remote(), null, 'an address not known is none, not the one before');
select is(auth.user_name(), 'auditor-g2', 'and the name is its own');
select auth.assume(null, null, null, null, false, null, null);
select is(pg_temp.who(), '- | false | {} | false | false | false | false | 0 | 0 | -', 'nothing stays of who was before');
select is(auth.has_role(null), false, 'no role is none');

-- Problems.
select is(pg_temp.raised($$ select auth.problem(409, 'taken', 'it is taken') $$), 'LP409 | it is taken | {"code": "taken"}', 'a problem');
select is(pg_temp.raised($$ select auth.problem(503, 'busy', 'wait', '{"headers":{"Retry-After":"1"}}') $$), 'LP503 | wait | {"code": "busy", "headers": {"Retry-After": "1"}}', 'a problem with more');
select is(pg_temp.raised($$ select auth.wrong_field('a.b', 'is odd') $$), 'LP422 | a.b: is odd | {"code": "invalid", "errors": [{"field": "a.b", "detail": "is odd"}]}', 'a problem with one field');

-- Attempts: 5 for a name from an address, 50 from an address, 100 for a name; and what is given back.
create function pg_temp.tries(p_times int, p_name text, p_remote text) returns text language plpgsql as $$
declare
    v_said int[];
begin
    for n in 1 .. p_times loop
        v_said := v_said || auth.throttled(replace(p_name, '#', n::text), replace(p_remote, '#', n::text));
    end loop;
    return (select string_agg(said || ' x' || times, ', ' order by first) from (select said, count(*) as times, min(o) as first from unnest(v_said) with ordinality x (said, o) group by said) y);
end
$$;
create function pg_temp.counted(p_name text, p_remote text) returns text language sql as $$
    select string_agg(k || ':' || coalesce(t.attempts::text, '-'), ' ' order by k)
    from generate_series(1, 3) k left join auth.throttle t on t.kind = k and t.bucket = auth.throttle_bucket(k, p_name, p_remote)
$$;
delete from auth.throttle;
select is(pg_temp.tries(7, 'zoe', '192.0.2.1'), '0 x5, 900 x2', 'five attempts of a name from an address, then a quarter of an hour');
select is(pg_temp.tries(1, 'ZOE', '192.0.2.1'), '900 x1', 'in whatever case');
select is(pg_temp.tries(1, 'zoe', '192.0.2.2') || '; ' || pg_temp.tries(1, 'yan', '192.0.2.1'), '0 x1; 0 x1', 'neither the name elsewhere nor the address for others');
update auth.throttle set since = now() - interval '10 minutes';
select is(pg_temp.tries(1, 'zoe', '192.0.2.1'), '300 x1', 'the time runs from the first one');
update auth.throttle set since = now() - interval '15 minutes';
select is(pg_temp.tries(1, 'zoe', '192.0.2.1') || '; ' || pg_temp.counted('zoe', '192.0.2.1'), '0 x1; 1:1 2:1 3:1', 'and then counting begins anew');
delete from auth.throttle;
select is(pg_temp.tries(52, 'name #', '192.0.2.1'), '0 x50, 900 x2', 'fifty from one address');
delete from auth.throttle;
select is(pg_temp.tries(102, 'zoe', '192.0.2.#'), '0 x100, 900 x2', 'a hundred for one name');
delete from auth.throttle;
select is(pg_temp.tries(52, 'name #', '2001:db8::#'), '0 x50, 900 x2', 'of IPv6 the network counts');
select is(pg_temp.tries(6, 'xin', null), '0 x5, 900 x1', 'without an address the name is still counted');
delete from auth.throttle;
select pg_temp.tries(4, 'zoe', '192.0.2.1'), pg_temp.tries(1, 'yan', '192.0.2.1'), pg_temp.tries(1, 'zoe', '192.0.2.2');
select is(pg_temp.counted('zoe', '192.0.2.1'), '1:5 2:4 3:5', 'counted three ways');
select auth.forgive('Zoe', '192.0.2.1');
select is(pg_temp.counted('zoe', '192.0.2.1'), '1:4 2:- 3:-', 'a right password gives back its own attempt at the address and all of the name');
select is(pg_temp.counted('yan', '192.0.2.1'), '1:4 2:1 3:1', 'others keep theirs');
update auth.throttle set attempts = 0;
select auth.forgive('zoe', '192.0.2.1'), auth.forgive('zoe', '192.0.2.1');
select is(pg_temp.counted('zoe', '192.0.2.1'), '1:0 2:- 3:-', 'never below nothing');
select lives_ok($$ select auth.forgive('who', '203.0.113.9') $$, 'nothing counted, nothing given back');

-- The last admin.
select is(pg_temp.raised(format('select auth.keep_an_admin(%s)', pg_temp.id('admin'))), 'LP409 | this is the last admin; make another one first | {"code": "last_admin"}', 'the only admin stays');
select is(pg_temp.raised(format('select auth.keep_an_admin(%s)', pg_temp.id('fund'))), 'nothing', 'others may go');
select pg_temp.account('second', 'admin', null, null);
select is(pg_temp.raised(format('select auth.keep_an_admin(%s)', pg_temp.id('admin'))), 'nothing', 'one of two may go');
update auth.user_account set disabled_at = now() where name = 'second';
select alike(pg_temp.raised(format('select auth.keep_an_admin(%s)', pg_temp.id('admin'))), 'LP409 %', 'a disabled one doesn''t count');

-- The newest sessions.
create function pg_temp.kept(p_name text) returns text language sql as $$
    select string_agg(s.remote, ' ' order by s.remote) from auth.session s where s.user_id = pg_temp.id(p_name)
$$;
delete from auth.session;
insert into auth.session (token_hash, user_id, kind, expires_at, last_seen_at, remote)
select sha256(convert_to(u.name || n, 'UTF8')), u.id, 'person', now() + interval '1 hour', now() - (n % 3) * interval '1 minute' - n * interval '1 second', 'p' || n
from auth.user_account u, generate_series(1, 6) n where u.name in ('fund', 'planner');
insert into auth.session (token_hash, user_id, kind, expires_at, remote) select sha256('link'), pg_temp.id('fund'), 'link', now() + interval '1 hour', 'link';
select auth.keep_newest_sessions(pg_temp.id('fund'), 'person', 6);
select is(pg_temp.kept('fund'), 'link p1 p2 p3 p4 p5 p6', 'as many as may be stay');
select auth.keep_newest_sessions(pg_temp.id('fund'), 'person', 3);
select is(pg_temp.kept('fund'), 'link p1 p3 p6', 'the longest unused go first');
select is(pg_temp.kept('planner'), 'p1 p2 p3 p4 p5 p6', 'nobody else''s');
select auth.keep_newest_sessions(pg_temp.id('fund'), 'person', 0);
select is(pg_temp.kept('fund'), 'link', 'all of them, and of no other kind');

-- The audit trail.
select ok((select count(*) from auth.audit) > 0, 'there is something to guard');
select is(pg_temp.raised(v.sql) || ', ' || pg_temp.raised(v.sql, true), '42501 | the audit trail is append-only | , PL/pgSQL function auth.refuse_change()',
    'not even the owner can ' || v.sql)
from (values ('update auth.audit set action = ''x'''), ('delete from auth.audit'), ('truncate auth.audit'), ('delete from auth.audit where false')) v (sql);

select * from finish();
rollback;
