// On a phone of 390 px nothing sticks out, in either language, and the essentials can be reached by thumb.
import { fits, row, visit } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  const lift = await world.lift({ index: 2 });
  const page = await person({ as: "admin", width: 390, height: 844, path: `#/alarms?q=${lift.code}` });
  await world.report({ index: 2, codes: [93, 1, 2] });
  await until("alarms are cards", () => row(page, lift.code).first().isVisible());
  const alarm = await row(page, lift.code).first().getAttribute("data-alarm");
  const paths = ["#/alarms", `#/alarms?q=${lift.code}`, `#/alarms/${alarm}`, "#/history", "#/overview", "#/lifts", `#/lifts/${lift.id}`,
    "#/refusals", "#/users", "#/nowhere", "#/wallboard"];
  for (const language of ["zh-CN", "en"]) {
    for (const path of paths) {
      await visit(page, path);
      await page.waitForTimeout(500);
      const out = await fits(page);
      check(`${path} fits (${language})`, out === "", out);
    }
    await visit(page, "#/alarms");
    await page.waitForSelector("[data-test=language]");
    if (language === "zh-CN") await page.click("[data-test=language]");
  }
  await page.click("[data-test=language]");
  await visit(page, `#/alarms?q=${lift.code}`);
  await until("a card has its button", () => row(page, lift.code).first().locator("button").isVisible());
  const box = await row(page, lift.code).first().locator("button").boundingBox();
  check("large enough for a thumb", box.height >= 36 && box.width >= 44, JSON.stringify(box));
  await row(page, lift.code).first().locator("button").click();
  await until("asks for a comment", () => page.locator("dialog[open] input").isVisible());
  check("the dialog fits", (await fits(page)) === "", await fits(page));
  await page.keyboard.press("Escape");
  await world.report({ index: 2, codes: [] });
};
