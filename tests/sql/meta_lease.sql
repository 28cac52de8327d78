-- The writer's lease: taken, counted, fenced; and the record of periodic jobs.
begin;
select plan(19);

select is((select row (l.*)::text from meta.take_lease('t', 'one') l), '(1,0)', 'the first holder starts epoch 1 before any batch');
select is((select row (l.*)::text from meta.lookup('t') l), '(1,0)', 'lookup tells the same');
select lives_ok($$ select meta.advance('t', 1, 1) $$, 'the first batch');
select lives_ok($$ select meta.advance('t', 1, 2) $$, 'the next');
select is((select row (l.*)::text from meta.lookup('t') l), '(1,2)', 'counts');
select throws_ok($$ select meta.advance('t', 1, 2) $$, 'LF001', null, 'a batch that has landed can''t land again');
select throws_ok($$ select meta.advance('t', 1, 4) $$, 'LF001', null, 'no batch can be left out');
select is((select row (l.*)::text from meta.take_lease('t', 'two') l), '(2,2)', 'the next holder starts another epoch and goes on counting');
select throws_ok($$ select meta.advance('t', 1, 3) $$, 'LF001', null, 'the one before can''t write any more');
select lives_ok($$ select meta.advance('t', 2, 3) $$, 'the new one can');
select throws_ok($$ select meta.advance('other', 1, 1) $$, 'LF001', null, 'nobody writes without a lease');
select is((select row (l.*)::text from meta.lookup('other') l), '(,)', 'a lease that nobody ever took');
select is((select holder from meta.writer where lease = 't'), 'two', 'the holder is known');
select isnt((select number from meta.schema()), null, 'the schema has a number');

select meta.job_started('job');
select is((select row (ok, last_finished_at, runs, failures)::text from meta.job where name = 'job'), '(,,1,0)', 'a job runs');
select meta.job_finished('job', true, 'fine');
select is((select row (ok, message, runs, failures, last_finished_at >= last_started_at)::text from meta.job where name = 'job'), '(t,fine,1,0,t)', 'and ends well');
select meta.job_started('job');
select meta.job_finished('job', false, repeat('x', 5000));
select is((select row (ok, length(message), runs, failures)::text from meta.job where name = 'job'), '(f,1000,2,1)', 'or badly, and says why within bounds');
select meta.job_started('job');
select is((select row (ok, last_finished_at is null, runs)::text from meta.job where name = 'job'), '(f,t,3)', 'while it runs the last outcome stays');
select lives_ok($$ select meta.job_finished('unheard of', true, '') $$, 'an end without a start changes nothing');

select * from finish();
rollback;
