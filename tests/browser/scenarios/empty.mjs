// Nothing is registered, nothing rings, nothing was refused: every empty list says what to do next.
import { visit } from "../harness.mjs";

export default async ({ person, check, until }) => {
  const page = await person({ as: "admin" });
  for (const [path, words] of [
    ["#/alarms", "新报警会自动出现"], ["#/history", "报警发生后会留在这里"], ["#/overview", "liftd import"], ["#/lifts", "liftd import"],
    ["#/refusals", "新终端第一次上报后会出现"], ["#/refusals", "看不懂的内容"], ["#/nowhere", "去报警列表"], ["#/alarms/12345", "去报警列表"],
    ["#/lifts/12345", "电梯"],
  ]) {
    await visit(page, path);
    await until(`${path} says what to do next: ${words}`, () => page.locator(".empty", { hasText: words }).isVisible());
  }
  await visit(page, "#/users");
  await until("there is one user", () => page.locator("tr[data-user=admin]").isVisible());
  await visit(page, "#/wallboard");
  await until("the wallboard is calm", () => page.locator(".wall-calm").isVisible());
  check("and says that nobody is trapped", (await page.locator("[data-test=wall-trapped]").textContent()).includes("无人被困"));
};
