// A firm's technician sees the firm's lifts and nothing of others', comments, and is offered no acknowledging.
import { row, visit } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  const [own, other] = [await world.lift({ index: 16 }), await world.lift({ index: 17 })];
  await world.run({ text: "insert into registry.party (code, kind, name_zh, name_en, phone) values ('firm-1', 'maintenance_firm', '恒达维保', 'Hengda', '021-5550 0111')" });
  await world.run({ text: `insert into registry.responsibility (lift_id, party_id, role, from_on) select ${own.id}, id, kind, current_date - 2 from registry.party where code = 'firm-1'` });
  await world.report({ index: 16, codes: [90] });
  await world.report({ index: 17, codes: [90] });
  const page = await person({ as: "li", roles: ["technician"], firm: "firm-1", width: 390, height: 844 });
  await until("his firm's alarm", () => row(page, own.code).first().isVisible());
  check("names the firm and its telephone", (await row(page, own.code).first().locator("a.phone").getAttribute("href")) === "tel:02155500111");
  check("and no other firm's", (await row(page, other.code).count()) === 0);
  check("no button to acknowledge", (await page.locator(".alarm-row button").count()) === 0);
  const id = await row(page, own.code).first().getAttribute("data-alarm");
  await visit(page, `#/alarms/${id}`);
  await until("he may comment", () => page.locator("button", { hasText: "备注" }).isVisible());
  await visit(page, `#/lifts/${other.id}`);
  await until("another firm's lift is not there for him", () => page.locator(".empty", { hasText: "没有这台电梯" }).isVisible());
  await visit(page, "#/lifts");
  await until("his list has one lift", async () => (await page.locator("table.lifts tbody tr").count()) === 1);
  await world.report({ index: 17, codes: [93] });
  await page.waitForTimeout(2_500);
  check("people trapped in another firm's lift are not told to him", (await page.locator("[data-banner=trapped]", { hasText: other.code }).count()) === 0);
  await world.report({ index: 16, codes: [101] });
  await world.report({ index: 17, codes: [101] });
};
