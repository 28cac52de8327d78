// liftd stops: the console says within seconds that its feed is dead; liftd comes back: so does the feed, with what was
// missed.
import { fits, row } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  const lift = await world.lift({ index: 3 });
  const page = await person({ as: "dispatcher", path: `#/alarms?q=${lift.code}` });
  await until("live", async () => (await page.getAttribute("[data-test=feed]", "data-phase")) === "live");
  const phone = await person({ as: "dispatcher", width: 390, height: 844 });
  await world.stop();
  await until("feed dead is said over everything", () => page.locator("[data-banner=dead]").isVisible(), 17_000);
  check("in words that tell what to do", (await page.locator("[data-banner=dead]").textContent()).includes("电话"));
  check("and in the title", (await page.title()).includes("实时数据中断"), await page.title());
  await until("on a phone too", () => phone.locator("[data-banner=dead]").isVisible(), 17_000);
  check("an empty list does not claim that all is well", !(await phone.locator("#main").textContent()).includes("现在没有未结的报警"));
  check("where it fits", (await fits(phone)) === "", await fits(phone));
  await world.report({ index: 3, codes: [90] });
  await world.start();
  await until("the banner goes when the feed lives again", async () => (await page.locator("[data-banner=dead]").count()) === 0, 30_000);
  await until("and what was missed is there", () => row(page, lift.code).isVisible(), 10_000);
  await world.report({ index: 3, codes: [101] });
};
