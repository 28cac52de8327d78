// A lift reports over MQTT and its alarm is on the screen without a reload; people trapped cannot be scrolled away.
import { row, visit } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  const lift = await world.lift({ index: 0 });
  const page = await person({ as: "dispatcher" });
  await until("the feed lives", async () => (await page.getAttribute("[data-test=feed]", "data-phase")) === "live");
  await page.evaluate(() => {
    window.loadedOnce = true;
  });
  const sent = Date.now();
  await world.report({ index: 0, codes: [93], floor: 3 });
  await until("people trapped: a banner", () => page.locator("[data-banner=trapped]", { hasText: lift.code }).isVisible(), 5_000);
  check(`within two seconds of the message (${Date.now() - sent} ms)`, Date.now() - sent < 2_000, `${Date.now() - sent} ms`);
  await until("a row marked as trapped", () => row(page, lift.code, "困人").first().isVisible());
  check("the page was not loaded again", await page.evaluate(() => window.loadedOnce === true));
  check("the title tells it to a hidden tab", (await page.title()).includes("困人"), await page.title());
  const rows = await row(page, lift.code).count();
  await page.waitForTimeout(1_500);
  check("each alarm is one row", (await row(page, lift.code).count()) === rows);
  const first = await row(page, lift.code).first().locator("time").first().textContent();
  await page.waitForTimeout(2_100);
  check("its age ticks", first !== (await row(page, lift.code).first().locator("time").first().textContent()));

  await visit(page, `#/lifts/${lift.id}`);
  await until("the lift's page", () => page.locator("h1", { hasText: lift.code }).isVisible());
  await page.evaluate(() => document.querySelector("main").scrollTo(0, 99_999));
  check("the banner stays in sight on every page, scrolled to its end",
    await page.locator("[data-banner=trapped]").evaluate((one) => {
      const box = one.getBoundingClientRect();
      return box.top >= 0 && box.bottom <= innerHeight && box.height > 0;
    }));
  await world.report({ index: 0, codes: [] });
};
