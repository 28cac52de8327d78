// The database is away: recording stopped is said, a trapped person still shows within a second, an acknowledgement
// stays pending; when it is back, everything is recorded once.
import { row } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  const [known, later] = [await world.lift({ index: 4 }), await world.lift({ index: 5 })];
  const page = await person({ as: "dispatcher", path: "#/alarms" });
  await world.report({ index: 5, codes: [] });
  await world.report({ index: 4, codes: [90] });
  await until("an alarm to acknowledge", () => row(page, known.code).isVisible());

  await world.database({ away: true });
  await world.report({ index: 6, codes: [] });
  await until("recording stopped is said", () => page.locator("[data-banner=recording]").isVisible(), 20_000);
  await row(page, known.code).click();
  await page.keyboard.press("a");
  await page.waitForSelector("dialog[open] input");
  await page.keyboard.type("已知道");
  await page.keyboard.press("Enter");
  await until("the acknowledgement is pending", () => row(page, known.code).locator(".s-pending").isVisible());
  await until("and said so", () => page.locator("[data-banner=pending]").isVisible(), 12_000);

  const sent = Date.now();
  await world.report({ index: 5, codes: [93] });
  await until("a trapped person shows all the same", () => row(page, later.code, "尚未入库").first().isVisible(), 5_000);
  check(`within two seconds (${Date.now() - sent} ms)`, Date.now() - sent < 2_000, `${Date.now() - sent} ms`);
  await until("on the banner too", () => page.locator("[data-banner=trapped]", { hasText: later.code }).first().isVisible());
  await row(page, later.code, "尚未入库").first().click();
  await page.keyboard.press("a");
  await page.waitForSelector("dialog[open] input");
  await page.keyboard.press("Enter");
  await until("it can be acknowledged before it is recorded", () => row(page, later.code).locator(".s-pending").first().isVisible());
  await page.reload();
  await until("pending acknowledgements outlive a reload", async () => (await page.locator("[data-banner=pending]").count()) > 0 || (await page.locator("input[name=username], .signin").count()) > 0, 15_000);

  await world.database({ away: false });
  await until("recording goes on", async () => (await page.locator("[data-banner=recording]").count()) === 0 && (await page.locator(".topbar").count()) > 0, 40_000);
  await until("the acknowledgement arrived", async () => (await row(page, known.code).getAttribute("data-state")) === "acknowledged", 30_000);
  await until("nothing is provisional any more", async () => (await page.locator(".s-provisional").count()) === 0, 30_000);
  await until("the other one was acknowledged by itself", async () => (await row(page, later.code, "已确认").count()) > 0, 30_000);
  await until("nothing is pending", async () => (await page.locator("[data-banner=pending], .s-pending").count()) === 0, 20_000);
  const acks = await world.sql({ text: `select count(*) as n from alert.transition t join alert.alarm a on a.id = t.alarm_id where a.lift_id = ${known.id} and t.kind = 'acknowledge' and t.comment = '已知道'` });
  check("one acknowledgement is recorded, with its comment", Number(acks[0].n) === 1, JSON.stringify(acks));
  const rows = await world.sql({ text: `select count(*) as n, count(distinct (code, raised_at)) as d from alert.alarm where lift_id = ${later.id}` });
  check("no alarm is recorded twice", rows[0].n === rows[0].d, JSON.stringify(rows));
  await world.report({ index: 4, codes: [101] });
  await world.report({ index: 5, codes: [] });
};
