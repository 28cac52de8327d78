// Five thousand open alarms: the list stays quick, and only the rows in sight are in the page.
export default async ({ person, world, check, until }) => {
  const lifts = [];
  for (let i = 0; i < 20; i += 1) lifts.push((await world.lift({ index: i })).id);
  await world.run({ text: `insert into alert.alarm (lift_id, code, priority, raised_at, state, confidence, rule_version, text_zh, text_en, recorded_at, origin)
    select (array[${lifts}])[1 + n % 20], 2, 2 + n % 3, now() - interval '2 days' - n * interval '30 seconds', 'unacknowledged', 100, 1, '测试', 'test', now(), 'live' from generate_series(1, 5000) n` });
  const page = await person({ as: "dispatcher", path: "#/alarms" });
  await until("all are counted", async () => /50\d\d/.test(await page.locator(".counted").textContent()), 30_000);
  const rows = await page.locator(".alarm-row[data-alarm]").count();
  check("few rows are in the page", rows < 90, `${rows}`);
  const timed = async (key, times) => {
    const from = Date.now();
    for (let i = 0; i < times; i += 1) await page.keyboard.press(key);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    return (Date.now() - from) / times;
  };
  const step = await timed("j", 20);
  check(`a step costs ${step.toFixed(0)} ms`, step < 150, `${step} ms`);
  await page.keyboard.press("End");
  await until("the end is reached at once", async () => Number(await page.locator(".alarm-row.selected").getAttribute("aria-rowindex")) > 5000, 2_000);
  const from = Date.now();
  await page.fill("input[type=search]", "没有这样的");
  await until("filtering is quick", () => page.locator(".empty").isVisible(), 2_000);
  check(`it took ${Date.now() - from} ms`, Date.now() - from < 1_000);
  const other = await world.lift({ index: 14 });
  await page.fill("input[type=search]", other.code);
  const sent = Date.now();
  await world.report({ index: 14, codes: [90] });
  await until("a new alarm still appears at once", () => page.locator(".alarm-row[data-alarm]", { hasText: other.code }).first().isVisible(), 4_000);
  check(`within three seconds (${Date.now() - sent} ms)`, Date.now() - sent < 3_000);
  await world.report({ index: 14, codes: [101] });
  await world.run({ text: `update alert.alarm set state = 'cleared', cleared_at = now(), cleared_recorded_at = now(), acknowledged_at = now(), acknowledged_by = 'test' where text_en = 'test'` });
};
