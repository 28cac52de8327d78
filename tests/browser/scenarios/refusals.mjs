// A terminal nobody registered reports; it is registered and what it sent is landed, all from one page; and what nobody
// can read is shown with its bytes.
import { visit } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  await world.run({ text: "insert into registry.building (code, compound_id, name_zh, name_en, floors) select 'b-new', min(id), '新楼', 'New', 6 from registry.compound" });
  const [lift] = await world.sql({ text: "insert into registry.lift (code, building_id, name_zh, name_en, stage, floors) select 'NEW-1', id, '新梯', 'New lift', 'in_service', 6 from registry.building where code = 'b-new' returning id" });
  const page = await person({ as: "dispatcher", path: "#/refusals" });
  await page.waitForSelector("h1");
  await world.stranger({ name: "stranger-1", messages: 3 });
  await until("an unknown device appears by itself", () => page.locator("tr[data-device=stranger-1]").isVisible(), 15_000);
  await page.locator("tr[data-device=stranger-1] button").click();
  await page.fill("dialog[open] input[type=search]", "NEW-1");
  await until("its lift is found", () => page.locator("dialog .choice", { hasText: "NEW-1" }).isVisible());
  await page.locator("dialog .choice", { hasText: "NEW-1" }).click();
  await page.click("dialog[open] button[type=submit]");
  await until("registered and landed, it leaves the list", async () => (await page.locator("tr[data-device=stranger-1]").count()) === 0, 20_000);
  await until("what it had sent is in the lift's history", async () => {
    const rows = await world.sql({ text: `select count(*) as n from telemetry.reading where lift_id = ${lift.id}` });
    return Number(rows[0].n) === 3;
  }, 15_000);

  await world.garbage({ index: 7 });
  await until("what nobody can read is listed", () => page.locator(".panel a", { hasText: /格式错误|类型不对|结构不对|消息不完整/ }).first().isVisible(), 15_000);
  await page.locator(".panel a", { hasText: /格式错误|类型不对|结构不对|消息不完整/ }).first().click();
  await until("with its bytes", () => page.locator("pre.hex", { hasText: "c1 20 6e 6f 74" }).isVisible());
  await page.keyboard.press("Escape");
  await until("and Esc closes it", async () => (await page.locator("dialog[open]").count()) === 0);
  check("back on the list's address", page.url().endsWith("#/refusals"), page.url());
  await visit(page, "#/refusals?reason=database");
  await until("a filter without a hit offers a way back", () => page.locator(".empty button").isVisible());
};
