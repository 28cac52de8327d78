// An alarm is acknowledged from the keyboard with a comment; somebody else's screen follows; the comment is kept.
import { row, visit } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  const lift = await world.lift({ index: 1 });
  const page = await person({ as: "dispatcher", path: `#/alarms?q=${lift.code}` });
  const other = await person({ as: "auditor", path: `#/alarms?q=${lift.code}` });
  await world.report({ index: 1, codes: [90] });
  await until("both see it", async () => (await row(page, lift.code).isVisible()) && row(other, lift.code).isVisible());
  check("unacknowledged", (await row(page, lift.code).getAttribute("data-state")) === "unacknowledged");

  await page.keyboard.press("j");
  check("j selects it", (await row(page, lift.code).getAttribute("aria-selected")) === "true");
  await page.keyboard.press("a");
  await until("a asks for a comment", () => page.locator("dialog[open] input").isVisible());
  await page.keyboard.type("已电话联系 <b>维保</b>");
  await page.keyboard.press("Enter");
  await until("acknowledged", async () => (await row(page, lift.code).getAttribute("data-state")) === "acknowledged");
  await until("the other screen follows by itself", async () => (await row(other, lift.code).getAttribute("data-state")) === "acknowledged", 5_000);
  check("and names who did it", (await row(other, lift.code).textContent()).includes("dispatcher"));
  check("the dialog is gone and keys work on", (await page.locator("dialog[open]").count()) === 0);
  check("an auditor is offered no acknowledging", (await other.locator(".alarm-row button").count()) === 0);

  await page.keyboard.press("c");
  await until("c asks for a comment", () => page.locator("dialog[open] textarea").isVisible());
  await page.keyboard.type("十分钟到");
  await page.click("dialog[open] button[type=submit]");
  await until("saved", async () => (await page.locator("dialog[open]").count()) === 0);
  await page.keyboard.press("Enter");
  await until("Enter opens it", () => page.locator(".timeline", { hasText: "已电话联系 <b>维保</b>" }).isVisible());
  await until("with the second comment", () => page.locator(".timeline", { hasText: "十分钟到" }).isVisible());
  check("and the link of its lift", (await page.locator(`a[href="#/lifts/${lift.id}"]`).count()) > 0);

  await world.report({ index: 1, codes: [101] });
  await visit(other, `#/alarms?q=${lift.code}`);
  await until("cleared, it leaves the list by itself", async () => (await row(other, lift.code).count()) === 0, 90_000);
};
