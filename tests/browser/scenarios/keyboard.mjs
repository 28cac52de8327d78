// The whole console without a mouse: focus is visible, pages are two keys away, keys leave text fields alone.
import { row } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  const [one, two] = [await world.lift({ index: 9 }), await world.lift({ index: 10 })];
  await world.report({ index: 9, codes: [90] });
  await world.report({ index: 10, codes: [2] });
  const page = await person({ as: "admin", path: "#/alarms?q=L000" });
  await until("two alarms", async () => (await row(page, one.code).count()) > 0 && (await row(page, two.code).count()) > 0);
  await page.keyboard.press("Tab");
  check("the first Tab offers to skip to the content", (await page.evaluate(() => document.activeElement.className)) === "skip");
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  check("focus is visible", outline !== "none", outline);

  const selected = () => page.locator(".alarm-row.selected").getAttribute("id");
  await page.keyboard.press("j");
  const first = await selected();
  await page.keyboard.press("j");
  check("j moves on", (await selected()) !== first);
  await page.keyboard.press("k");
  check("k moves back", (await selected()) === first);
  await page.keyboard.press("ArrowDown");
  check("so do the arrows", (await selected()) !== first);
  await page.keyboard.press("Home");
  check("Home is the first", (await selected()) === first);

  await page.keyboard.press("/");
  check("/ goes to the filter", (await page.evaluate(() => document.activeElement.type)) === "search");
  await page.keyboard.press("End");
  await page.keyboard.type("-0ja");
  check("where keys are letters", (await page.inputValue("input[type=search]")) === "L000-0ja" && (await page.locator("dialog[open]").count()) === 0);
  check("the filter is in the address", page.url().includes("q=L000-0ja"), page.url());
  await until("nothing fits, and a way back is offered", () => page.locator(".empty button").isVisible());
  await page.keyboard.press("Escape");
  check("Esc leaves the filter", (await page.evaluate(() => document.activeElement.type)) !== "search");

  for (const [keys, where] of [["g", "o"], ["g", "l"], ["g", "r"], ["g", "u"], ["g", "a"]].map(([g, k]) => [k, { o: "overview", l: "lifts", r: "refusals", u: "users", a: "alarms" }[k]])) {
    await page.keyboard.press("g");
    await page.keyboard.press(keys);
    await until(`g ${keys} goes to ${where}`, () => page.url().includes(`#/${where}`));
  }
  await page.waitForSelector(".alarm-table");
  await page.keyboard.press("?");
  await until("? lists the keys", () => page.locator("dialog[open]", { hasText: "快捷键" }).isVisible());
  check("those of this page among them", (await page.locator("dialog[open]").textContent()).includes("确认报警"));
  await page.keyboard.press("Escape");
  await until("Esc closes", async () => (await page.locator("dialog[open]").count()) === 0);

  await page.keyboard.press("g");
  await page.keyboard.press("l");
  await until("lifts", () => page.locator("table.lifts tbody tr").first().isVisible());
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await until("j, j, Enter opens the second lift", () => /#\/lifts\/\d+/.test(page.url()));
  await page.waitForSelector(".lift-page");
  await page.keyboard.press("Escape");
  await until("Esc goes back", () => page.url().endsWith("#/lifts"));
  await world.report({ index: 9, codes: [101] });
  await world.report({ index: 10, codes: [] });
};
