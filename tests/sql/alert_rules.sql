-- The rules in force, as liftd loads them.
begin;
select plan(9);

select alert.load_rules('[{"code":200,"version":1,"priority":1,"name_zh":"困人","name_en":"People trapped","kind":"derived","hold_ms":90000,"quiet_ms":10000,"suppressed_modes":[2,3],"group":null,"why_zh":"因","why_en":"because","source":"x"},
    {"code":42,"version":1,"priority":3,"name_zh":"停","name_en":"Stopped","kind":"reported","hold_ms":0,"quiet_ms":0,"suppressed_modes":[],"group":"mains","why_zh":"因","why_en":"because"}]');
select results_eq($$ select code, priority::int, name_zh, hold_ms, suppressed_modes, family, source from alert.rule order by code $$,
    $$ values (42, 3, '停', 0::bigint, '{}'::int[], 'mains', ''), (200, 1, '困人', 90000, '{2,3}', null, 'x') $$, 'rules are loaded');
update alert.rule set loaded_at = '2000-01-01';
select alert.load_rules('[{"code":200,"version":2,"priority":1,"name_zh":"困人","name_en":"People trapped","kind":"derived","hold_ms":60000,"quiet_ms":10000,"suppressed_modes":[2,3],"group":null,"why_zh":"因","why_en":"because","source":"x"}]');
select is((select row (version, hold_ms, loaded_at = now())::text from alert.rule where code = 200), '(2,60000,t)', 'a changed rule is replaced');
select isnt((select retired_at from alert.rule where code = 42), null, 'one that is gone is retired');
update alert.rule set loaded_at = '2000-01-01';
select alert.load_rules('[{"code":200,"version":2,"priority":1,"name_zh":"困人","name_en":"People trapped","kind":"derived","hold_ms":60000,"quiet_ms":10000,"suppressed_modes":[2,3],"group":null,"why_zh":"因","why_en":"because","source":"x"},
    {"code":42,"version":1,"priority":3,"name_zh":"停","name_en":"Stopped","kind":"reported","hold_ms":0,"quiet_ms":0,"suppressed_modes":[],"why_zh":"因","why_en":"because"}]');
select is((select retired_at from alert.rule where code = 42), null, 'one that is back is in force');
select is((select loaded_at from alert.rule where code = 200), '2000-01-01'::timestamptz, 'one that is the same stays as it is');
select throws_ok($$ select alert.load_rules('[]') $$, '22023', null, 'no rules at all is a mistake');
select throws_ok($$ select alert.load_rules('{}') $$, '22023', null, 'so is something else');
select throws_ok($$ select alert.load_rules(null) $$, '22023', null, 'or nothing');
select throws_ok($$ select alert.load_rules('[{"code":1}]') $$, '23502', null, 'a rule says everything');

select * from finish();
rollback;
