-- Alarms: the onset is the identity; every legal step of the life-cycle, every illegal one; a history that stays.
begin;
\ir lib/landing.sql
select plan(62);

insert into auth.user_account (name, display_name, roles) values ('wang', '王调度', '{dispatcher}'), ('li', '李调度', '{dispatcher}');
create function pg_temp.user(p_name text) returns bigint language sql as $$ select id from auth.user_account where name = p_name $$;
create function pg_temp.raise_(p_lift bigint, p_code int, p_onset int) returns void language sql as $$
    insert into pg_temp.alarm_in values (0, p_lift, p_code, 1, 100, 3, pg_temp.at(p_onset), pg_temp.at(p_onset), '困人', 'trapped')
$$;
create function pg_temp.clear(p_lift bigint, p_code int, p_onset int, p_at int) returns void language sql as $$
    insert into pg_temp.alarm_in values (1, p_lift, p_code, 1, 100, 3, pg_temp.at(p_onset), pg_temp.at(p_at), null, null)
$$;
create function pg_temp.id(p_lift bigint, p_code int, p_onset int) returns bigint language sql as $$
    select id from alert.alarm where lift_id = p_lift and code = p_code and raised_at = pg_temp.at(p_onset)
$$;
create function pg_temp.state(p_lift bigint, p_code int, p_onset int) returns text language sql as $$
    select state from alert.alarm where id = pg_temp.id(p_lift, p_code, p_onset)
$$;
create function pg_temp.history(p_lift bigint, p_code int, p_onset int) returns text language sql as $$
    select string_agg(format('%s %s>%s%s%s', kind, from_state, to_state, ' by ' || actor_name, ': ' || comment), '; ' order by id)
    from alert.transition where alarm_id = pg_temp.id(p_lift, p_code, p_onset)
$$;

-- Raise, acknowledge, clear.
select pg_temp.raise_(1, 200, 1);
select is(pg_temp.land(), '0 0 1 0 0', 'an alarm is raised');
select is((select row (priority, confidence, rule_version, text_zh, text_en, origin, state, cleared_at, acknowledged_at, recorded_at)::text from alert.alarm),
    row (1, 100, 3, '困人', 'trapped', 'live', 'unacknowledged', null, null, now())::text, 'with all it says');
select pg_temp.raise_(1, 200, 1);
select is(pg_temp.land(), '0 0 0 0 1', 'the same onset again is the same alarm');
select is((select (alert.acknowledge(pg_temp.id(1, 200, 1), pg_temp.user('wang'), '在路上')).state), 'acknowledged', 'somebody acknowledges');
select is((select row (acknowledged_at, acknowledged_by)::text from alert.alarm), row (now(), '王调度')::text, 'and is known for it');
select is((select (alert.acknowledge(pg_temp.id(1, 200, 1), pg_temp.user('li'), 'late')).acknowledged_by), '王调度', 'the second gets the first acknowledgement');
select pg_temp.clear(1, 200, 1, 9);
select is(pg_temp.land(), '0 0 0 1 0', 'the condition ends');
select is((select row (state, cleared_at, cleared_recorded_at)::text from alert.alarm), row ('cleared', pg_temp.at(9), now())::text, 'and with it the alarm');
select pg_temp.clear(1, 200, 1, 12);
select is(pg_temp.land(), '0 0 0 0 1', 'ending again changes nothing');
select is((select cleared_at from alert.alarm), pg_temp.at(9), 'it ended when it first did');
select is((select (alert.acknowledge(pg_temp.id(1, 200, 1), pg_temp.user('li'), null)).state), 'cleared', 'acknowledging what is over and seen changes nothing');
select is(pg_temp.history(1, 200, 1), 'raise none>unacknowledged; acknowledge unacknowledged>acknowledged by 王调度: 在路上; clear acknowledged>cleared', 'its history');

-- Raise, clear, acknowledge.
select pg_temp.raise_(2, 40, 1);
select pg_temp.land();
select pg_temp.clear(2, 40, 1, 2);
select is(pg_temp.land(), '0 0 0 1 0', 'over before anybody saw it');
select is(pg_temp.state(2, 40, 1), 'returned_unacknowledged', 'it stays until somebody does');
select is((select (alert.acknowledge(pg_temp.id(2, 40, 1), pg_temp.user('li'), ''))::alert.alarm).state, 'cleared', 'then it is gone');
select is(pg_temp.history(2, 40, 1), 'raise none>unacknowledged; clear unacknowledged>returned_unacknowledged; acknowledge returned_unacknowledged>cleared by 李调度', 'an empty comment is none');

-- A new occurrence is a new alarm, whatever became of the one before.
select pg_temp.raise_(1, 200, 20);
select is(pg_temp.land(), '0 0 1 0 0', 'a new onset');
select is(pg_temp.state(1, 200, 20), 'unacknowledged', 'rings anew');
select isnt(pg_temp.id(1, 200, 20), pg_temp.id(1, 200, 1), 'as another alarm');

-- Several steps in one batch.
select pg_temp.raise_(3, 8, 1), pg_temp.clear(3, 8, 1, 2), pg_temp.raise_(3, 8, 3), pg_temp.clear(3, 8, 3, 4), pg_temp.raise_(3, 8, 5), pg_temp.raise_(3, 9, 1);
select is(pg_temp.land(), '0 0 4 2 0', 'raised and cleared in one batch, twice, and raised once more');
select is(pg_temp.state(3, 8, 1) || ' ' || pg_temp.state(3, 8, 3) || ' ' || pg_temp.state(3, 8, 5), 'returned_unacknowledged returned_unacknowledged unacknowledged', 'each on its own');
select is(pg_temp.history(3, 8, 1), 'raise none>unacknowledged; clear unacknowledged>returned_unacknowledged', 'with both steps in order');
select pg_temp.clear(3, 8, 5, 7), pg_temp.clear(3, 8, 5, 6), pg_temp.clear(3, 8, 77, 80), pg_temp.raise_(3, 8, 1), pg_temp.raise_(3, 8, 6), pg_temp.raise_(3, 8, 6), pg_temp.clear(4, 8, 5, 6);
select is(pg_temp.land(), '0 0 1 1 5', 'copies, clears of unknown alarms and known onsets are only counted');
select is((select cleared_at from alert.alarm where id = pg_temp.id(3, 8, 5)), pg_temp.at(6), 'of two ends the first counts');
select pg_temp.raise_(5, 8, 10), pg_temp.clear(5, 8, 10, 9);
select is(pg_temp.land(), '0 0 1 1 0', 'an end before the onset, from a clock that was set back');
select is((select cleared_at from alert.alarm where id = pg_temp.id(5, 8, 10)), pg_temp.at(10), 'is the onset');
insert into pg_temp.alarm_in values (0, 6, 100, 4, 80, 3, pg_temp.at(1), pg_temp.at(1), null, null);
select is(pg_temp.land(), '0 0 1 0 0', 'an alarm without words');
insert into pg_temp.alarm_in values (0, 6, 100, 9, 80, 3, pg_temp.at(2), pg_temp.at(1), null, null);
select throws_ok($$ select pg_temp.land() $$, '23514', null, 'an impossible priority is refused by the database');
truncate pg_temp.alarm_in;
insert into pg_temp.alarm_in select 0, 7, n, 2, 90, 1, pg_temp.at(1), pg_temp.at(1), 'x', 'y' from generate_series(1, 2500) n;
insert into pg_temp.alarm_in select 1, 7, n, 2, 90, 1, pg_temp.at(1), pg_temp.at(2), 'x', 'y' from generate_series(1, 2500) n;
select is(pg_temp.land(), '0 0 2500 2500 0', 'a storm');

-- The life-cycle is the table, and the table is this.
select results_eq($$ select from_state, event, to_state from alert.lifecycle order by 1, 2 $$, $$ values
    ('acknowledged', 'clear', 'cleared'), ('acknowledged', 'comment', 'acknowledged'), ('cleared', 'comment', 'cleared'), ('none', 'raise', 'unacknowledged'), ('none', 'record', 'cleared'),
    ('returned_unacknowledged', 'acknowledge', 'cleared'), ('returned_unacknowledged', 'comment', 'returned_unacknowledged'),
    ('unacknowledged', 'acknowledge', 'acknowledged'), ('unacknowledged', 'clear', 'returned_unacknowledged'), ('unacknowledged', 'comment', 'unacknowledged') $$,
    'ten legal steps');
create function pg_temp.put(p_state text) returns bigint language sql as $$
    insert into alert.alarm (lift_id, code, priority, raised_at, state, confidence, rule_version, text_zh, text_en, cleared_at, cleared_recorded_at, acknowledged_at, acknowledged_by)
    values (100, 1 + (select count(*) from alert.alarm where lift_id = 100), 1, pg_temp.at(1), p_state, 1, 1, '', '',
        case when p_state in ('cleared', 'returned_unacknowledged') then now() end, case when p_state in ('cleared', 'returned_unacknowledged') then now() end,
        case when p_state in ('cleared', 'acknowledged') then now() end, case when p_state in ('cleared', 'acknowledged') then 'x' end) returning id
$$;
select lives_ok(format($$ select alert.acknowledge(%s, pg_temp.user('li'), null) $$, pg_temp.put(s)), 'acknowledge from ' || s)
from unnest(array ['unacknowledged', 'returned_unacknowledged', 'acknowledged', 'cleared']) s;
select throws_ok(format($$ select alert.acknowledge(%s, pg_temp.user('li'), null) $$, pg_temp.put(s)), '55000', null, 'not from ' || s)
from unnest(array ['shelved', 'suppressed', 'out_of_service']) s;
select lives_ok(format($$ select alert.comment(%s, pg_temp.user('li'), 'x') $$, pg_temp.put(s)), 'comment in ' || s)
from unnest(array ['unacknowledged', 'returned_unacknowledged', 'acknowledged', 'cleared']) s;
select throws_ok(format($$ select alert.comment(%s, pg_temp.user('li'), 'x') $$, pg_temp.put(s)), '55000', null, 'not in ' || s)
from unnest(array ['shelved', 'suppressed', 'out_of_service']) s;
create function pg_temp.clear_of(p_state text) returns text language plpgsql as $$
declare
    v_id bigint := pg_temp.put(p_state);
begin
    insert into pg_temp.alarm_in select 1, lift_id, code, 1, 1, 1, raised_at, pg_temp.at(50), null, null from alert.alarm where id = v_id;
    return pg_temp.land();
end $$;
select is(pg_temp.clear_of(s), '0 0 0 0 1', 'nothing clears ' || s) from unnest(array ['cleared', 'returned_unacknowledged', 'shelved', 'suppressed', 'out_of_service']) s;
select is(pg_temp.clear_of(s), '0 0 0 1 0', 'cleared from ' || s) from unnest(array ['unacknowledged', 'acknowledged']) s;

-- People's part.
select throws_ok($$ select alert.acknowledge(-1, pg_temp.user('li'), null) $$, 'P0002', null, 'no such alarm to acknowledge');
select throws_ok($$ select alert.comment(-1, pg_temp.user('li'), 'x') $$, 'P0002', null, 'or to comment');
select throws_ok($$ select alert.acknowledge(pg_temp.id(1, 200, 20), -1, null) $$, '22023', null, 'no such account');
select throws_ok($$ select alert.comment(pg_temp.id(1, 200, 20), pg_temp.user('li'), '  ') $$, '22023', null, 'a comment says something');
select alert.comment(pg_temp.id(1, 200, 20), pg_temp.user('li'), '已联系家属');
select is(pg_temp.history(1, 200, 20), 'raise none>unacknowledged; comment unacknowledged>unacknowledged by 李调度: 已联系家属', 'a comment is history and changes nothing else');
update auth.user_account set display_name = '某人' where name = 'li';
select is((select acknowledged_by from alert.alarm where id = pg_temp.id(2, 40, 1)), '李调度', 'names stay as they were');

-- Append-only.
select throws_ok($$ update alert.transition set comment = 'never said' $$, '42501', null, 'history can''t be rewritten');
select throws_ok($$ delete from alert.transition $$, '42501', null, 'nor removed');
select throws_ok($$ truncate alert.transition $$, '42501', null, 'nor emptied');
select throws_ok($$ delete from alert.alarm $$, '42501', null, 'alarms can''t be removed');
select is((select count(*) from (select from information_schema.role_table_grants where table_schema = 'alert' and privilege_type <> 'SELECT'
    and grantee <> 'liftd_owner') g), 0::bigint, 'nobody but the owner is granted more than reading');

select * from finish();
rollback;
