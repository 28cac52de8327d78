-- Sessions: signing in through the gateway's two calls, throttling, ends of every kind, wall screens, the audit trail.
begin;
\ir lib/world.sql
select no_plan();

create function pg_temp.sign_in(p_name text, p_secret jsonb, p_fresh text default 'fresh', p_remote text default '192.0.2.7') returns pg_temp.answer
language sql as $$
    select * from pg_temp.call('nobody', 'POST', '/session', '{}', jsonb_build_object('name', p_name, 'password', true), p_secret, p_fresh,
                               jsonb_build_object('remote', p_remote)) $$;
create function pg_temp.alive(p_token text) returns int language sql as $$ select (pg_temp.call(p_token, 'GET', '/me')).status $$;

-- The two calls.
select is((pg_temp.sign_in('fund', null)).status, 1, 'first the gateway is asked to verify the password it kept');
select is((pg_temp.sign_in('FUND', null)).headers ->> 'argon2id', (select password_hash from auth.user_account where name = 'fund'), 'against the hash of that name, whatever its case');
select is((pg_temp.sign_in('fund', '{"verified":false}')).status, 401, 'a wrong password');
select is((select count(*) from auth.session where token_hash = sha256('token of fresh')), 0::bigint, 'opens nothing');
create table pg_temp.opened as select * from pg_temp.sign_in('fund', '{"verified":true}', 'f1');
select is((select status from pg_temp.opened), 200, 'the right one');
select is((select headers ->> 'Set-Cookie' from pg_temp.opened), 'liftd_session={fresh}; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict', 'sets a cookie no script and no other site can use');
select is((select headers ->> 'Cache-Control' from pg_temp.opened), 'no-store', 'that nobody stores');
select is((select body::jsonb #>> '{user,name}' from pg_temp.opened), 'fund', 'and says who it is');
select is(pg_temp.alive('f1'), 200, 'the token works');
select is((pg_temp.sign_in('fund', '{"verified":"true"}', 'f2')).status, 200, 'true as text is true');
select is((pg_temp.sign_in('fund', '{"verified":null}')).status, 401, 'but nothing else is');

-- Names that aren't there look like those that are.
select is((pg_temp.sign_in('no such name', null)).status, 1, 'an unknown name is asked for its password too');
select matches((pg_temp.sign_in('no such name', null)).headers ->> 'argon2id', '^\$argon2id\$v=19\$m=19456,t=2,p=1\$', 'against a hash as costly as any');
select is((pg_temp.sign_in('no such name', '{"verified":true}')).status, 401, 'which opens nothing even if it were right');
select is((pg_temp.sign_in('wallboard', null)).headers ->> 'argon2id', (pg_temp.sign_in('no such name', null)).headers ->> 'argon2id', 'an account without a password is like none');
select is((pg_temp.sign_in('wallboard', '{"verified":true}')).status, 401, 'and stays shut');
select is((pg_temp.sign_in('fund', '{"verified":false}')).body::jsonb, (pg_temp.sign_in('no such name', '{"verified":false}')).body::jsonb, 'the refusals are the same');
delete from auth.throttle;

-- Throttling.
select is((pg_temp.sign_in('fund', null)).status, 1, 'attempt ' || n) from generate_series(1, 5) n;
select is((pg_temp.sign_in('fund', null)).status, 429, 'the sixth attempt from one address waits');
select ok((pg_temp.sign_in('fund', null)).headers ->> 'Retry-After' ~ '^[1-9][0-9]{0,2}$', 'and is told how long');
select is((pg_temp.sign_in('fund', null, 'fresh', '192.0.2.8')).status, 1, 'from elsewhere its owner gets in');
select is((pg_temp.sign_in('fund', '{"verified":true}', 'f3')).status, 200, 'a password being verified meanwhile still counts');
select is((pg_temp.sign_in('fund', null)).status, 1, 'and gives everything back');
update auth.throttle set attempts = 50 where kind = 1 and bucket = auth.throttle_bucket(1, null, '192.0.2.7');
select is((pg_temp.sign_in('dispatcher', null)).status, 429, 'fifty failures from one address stop it for every name');
update auth.throttle set since = now() - interval '16 minutes';
select is((pg_temp.sign_in('dispatcher', null)).status, 1, 'for a quarter of an hour');
update auth.throttle set attempts = 100 where kind = 3 and bucket = auth.throttle_bucket(3, 'Dispatcher', null);
select is((pg_temp.sign_in('dispatcher', null, 'fresh', '192.0.2.9')).status, 429, 'a hundred for one name from anywhere stop that name');
select is(auth.throttle_bucket(3, 'Dispatcher', 'x'), auth.throttle_bucket(3, 'dispatcher', null), 'names count whatever their case');
select ok(auth.throttle_bucket(k, md5(n::text), md5(n::text)) between 0 and 65535, 'buckets are few') from generate_series(1, 3) k, generate_series(1, 3) n;
select isnt(auth.throttle_bucket(2, 'a', 'b'), auth.throttle_bucket(2, 'ab', ''), 'and name and address don''t run together');
select is(auth.network_of(v.remote), v.network, 'counted by: ' || coalesce(v.remote, 'nothing'))
from (values ('192.0.2.1', '192.0.2.1'), ('::ffff:192.0.2.1', '::ffff:192.0.2.1'), ('2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'), ('2001:db8:1:2::9', '2001:db8:1:2::/64'),
    ('::1', '::/64'), ('fe80::1%eth0', 'fe80::1%eth0'), ('unix:', 'unix:'), ('', ''), (null, null)) v (remote, network);
delete from auth.throttle;

-- At most ten sessions a person.
select is((pg_temp.sign_in('technician', '{"verified":true}', 't' || n)).status, 200, 'session ' || n) from generate_series(1, 12) n;
select is((select count(*) from auth.session s join auth.user_account u on u.id = s.user_id where u.name = 'technician'), 10::bigint, 'ten remain');
select is(pg_temp.alive('t12'), 200, 'the newest among them');

-- Ends.
update auth.session set expires_at = now() - interval '1 second' where token_hash = sha256('token of t12');
select is(pg_temp.alive('t12'), 401, 'an expired session is nobody''s');
update auth.session set last_seen_at = now() - interval '6 minutes', expires_at = now() + interval '1 hour' where token_hash = sha256('token of t11');
select is(pg_temp.alive('t11'), 200, 'one in use');
select is((select expires_at from auth.session where token_hash = sha256('token of t11')), now() + interval '12 hours', 'is prolonged');
update auth.session set last_seen_at = now() - interval '6 minutes', created_at = now() - interval '7 days' + interval '1 minute' where token_hash = sha256('token of t11');
select is(pg_temp.alive('t11'), 200, 'but never');
select is((select expires_at from auth.session where token_hash = sha256('token of t11')), now() + interval '1 minute', 'beyond a week');
select is((pg_temp.call('t11', 'DELETE', '/session')).status, 204, 'signing out');
select is(pg_temp.alive('t11'), 401, 'ends it');
select is((pg_temp.call('t11', 'DELETE', '/session')).status, 204, 'and again is no fault');
select is((pg_temp.call('admin', 'PATCH', '/users/' || id, '{}', '{"disabled":true}')).status, 200, 'disabling an account') from auth.user_account where name = 'technician';
select is(pg_temp.alive('t10'), 401, 'ends its sessions');
select is((pg_temp.sign_in('technician', '{"verified":true}')).status, 401, 'and nobody signs in as it');
select isnt((pg_temp.sign_in('technician', null)).headers ->> 'argon2id', (select password_hash from auth.user_account where name = 'technician'), 'nor is asked for its password');
select is((pg_temp.call('admin', 'PATCH', '/users/' || id, '{}', '{"disabled":false}')).body::jsonb ->> 'disabled', 'false', 'it can be put back in use') from auth.user_account where name = 'technician';
select is((pg_temp.sign_in('technician', '{"verified":true}', 't20')).status, 200, 'and then signs in');

-- One's own password.
create function pg_temp.change(p_user text, p_secret jsonb) returns pg_temp.answer language sql as $$
    select * from pg_temp.call(p_user, 'POST', '/me/password', '{}', '{"password":true,"new_password":true}', p_secret) $$;
select is((pg_temp.sign_in('fund', '{"verified":true}', 'f4')).status, 200, 'a second session');
select is((pg_temp.change('fund', null)).headers ->> 'argon2id', (select password_hash from auth.user_account where name = 'fund'), 'the present password is proved');
select is((pg_temp.change('fund', '{"verified":false}')).status, 422, 'or it isn''t');
select is((pg_temp.change('fund', '{"verified":true}')).status, 2, 'then the new one is hashed');
select is((pg_temp.change('fund', '{"verified":true,"hash":"$argon2id$v=19$m=19456,t=2,p=1$CCCCCCCCCCCCCCCCCCCCCC$CCCC"}')).status, 204, 'and set');
select matches((select password_hash from auth.user_account where name = 'fund'), 'CCCC$', 'indeed');
select is(array [pg_temp.alive('fund'), pg_temp.alive('f4')], '{200,401}', 'one''s other sessions end');
select is((pg_temp.call('fund', 'PATCH', '/me', '{}', '{"language":"zh"}')).body::jsonb #>> '{user,language}', 'zh', 'one''s own language');

-- Wall screens.
create table pg_temp.hall as select * from pg_temp.call('admin', 'POST', '/wallboards', '{}', '{"name":"hall","display_name":"Hall","areas":["g1"]}', null, 'link');
select is((select array [status::text, headers ->> 'Location', headers ->> 'Cache-Control'] from pg_temp.hall), '{201,"/wallboard#{fresh}",no-store}', 'a wall screen''s address is told once');
select is(pg_temp.alive('link'), 401, 'the address by itself reads nothing');
select is((pg_temp.call('link', 'DELETE', '/session')).status, 204, 'and a visitor');
select is((pg_temp.call('link', 'POST', '/session/wallboard', '{}', '{}', null, 'screen')).status, 200, 'can''t end it: it opens a session');
select is((pg_temp.call('screen', 'GET', '/me')).body::jsonb #>> '{user,roles}', '["wallboard"]', 'of the wall screen');
select is(pg_temp.codes(pg_temp.call('screen', 'GET', '/lifts')), 'L1 L2 L5', 'with its scope');
select is((pg_temp.call('screen', 'POST', '/alarms/1/acknowledge')).status, 403, 'that can''t do anything');
select is((pg_temp.call('screen', 'POST', '/session/wallboard', '{}', '{}', null, 'screen2')).status, 401, 'not even open another');
select is((pg_temp.call('dispatcher', 'POST', '/session/wallboard', '{}', '{}', null, 'screen2')).status, 401, 'nor can a person''s session');
select is((pg_temp.call('link', 'POST', '/session/wallboard', '{}', '{}', null, 's' || n)).status, 200, 'screen ' || n) from generate_series(1, 12) n;
select is((select count(*) from auth.session where kind = 'wallboard'), 10::bigint, 'ten screens an address');
select is((pg_temp.call('admin', 'PATCH', '/users/' || (body::jsonb ->> 'id'), '{}', '{"disabled":true}')).status, 200, 'disabling its account') from pg_temp.hall;
select is(array [pg_temp.alive('s12'), (pg_temp.call('link', 'POST', '/session/wallboard', '{}', '{}', null, 's99')).status], '{401,401}', 'ends screens and address');

-- The audit trail.
select is((select array_agg(distinct action order by action) from auth.audit where action like 'session%'), '{session.close,session.open,session.refused}', 'sign-ins are written down');
select is((select array [user_name, user_id::text, remote] from auth.audit where action = 'session.refused' and user_name = 'no such name' limit 1), array ['no such name', null, '192.0.2.7'], 'failed ones as typed');
select is((select count(*) from auth.audit where coalesce(detail::text, '') ~ 'argon2|hash'), 0::bigint, 'without secrets');
select throws_ok('update auth.audit set action = ''x''', '42501', null, 'nobody rewrites it');
select throws_ok('delete from auth.audit', '42501', null, 'or deletes from it');
select throws_ok('truncate auth.audit', '42501', null, 'or empties it');

-- Sweeping.
insert into auth.throttle values (1, 1, 1, now() - interval '1 hour');
insert into api.idempotency (user_id, key, request_sha256, at) select id, 'old', '\x', now() - interval '25 hours' from auth.user_account where name = 'fund';
update auth.session set expires_at = now() where token_hash = sha256('token of fund');
select ok(auth.sweep() >= 3, 'what has ended is swept away');
select is((select count(*) from auth.session where expires_at <= now()) + (select count(*) from api.idempotency where key = 'old'), 0::bigint, 'all of it');
select is(pg_temp.alive('dispatcher'), 200, 'and nothing else');

-- What the logins may do themselves.
create function pg_temp.state_as(p_login text, p_statement text) returns text language plpgsql as $$
begin
    perform set_config('session_authorization', p_login, true);
    execute p_statement;
    perform set_config('session_authorization', 'postgres', true);
    return '00000';
exception when others then
    perform set_config('session_authorization', 'postgres', true);
    return sqlstate;
end
$$;
select is(pg_temp.state_as(v.login, v.statement), '42501', v.login || ' may not: ' || v.statement)
from (values ('liftd_web', 'select * from auth.user_account'), ('liftd_web', 'select * from auth.session'), ('liftd_web', 'select auth.challenge(''admin'')'),
    ('liftd_web', 'select auth.create_user(''x'', ''x'', ''{admin}'', null, null, null, null)'), ('liftd_web', 'select auth.sweep()'),
    ('liftd_web', 'select * from api.operation'), ('liftd_web', 'select * from api.lifts(null)'), ('liftd_web', 'select * from registry.lift'),
    ('liftd_web', 'select * from telemetry.reading'), ('liftd_web', 'set role liftd_api'),
    ('liftd_ingest', 'select * from auth.user_account'), ('liftd_ingest', 'select auth.challenge(''admin'')'), ('liftd_ingest', 'set role liftd_owner'),
    ('liftd_ingest', 'select * from api.handle(''GET'', ''/'', null, null, null, null, null, null)')) v (login, statement);
select is(pg_temp.state_as(v.login, v.statement), '00000', v.login || ' may: ' || v.statement)
from (values ('liftd_web', 'listen liftd'), ('liftd_web', 'select * from api.handle(''GET'', ''/'', null, null, null, null, null, null)'), ('liftd_ingest', 'select auth.sweep()')) v (login, statement);
select is((select string_agg(attname, ' ' order by attname) from pg_attribute a where a.attrelid = 'auth.user_account'::regclass and a.attnum > 0
    and not has_column_privilege('liftd_api', a.attrelid, a.attnum, 'select')), 'password_hash', 'operations read every column of an account but its hash');

select * from finish();
rollback;
