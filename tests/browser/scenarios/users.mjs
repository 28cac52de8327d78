// An administrator adds, changes and disables a user; a disabled one is signed out where he sits.
import { visit } from "../harness.mjs";

export default async ({ person, check, until }) => {
  const admin = await person({ as: "admin", path: "#/users" });
  await until("the users", () => admin.locator("tr[data-user=admin]").isVisible());
  await admin.click("text=新增用户");
  await admin.fill("input[name=new-user]", "xiaoli");
  await admin.fill("input[name=display]", "小李");
  await admin.fill("input[name=new-password]", "short");
  await admin.check("input[name=role-technician]");
  await admin.click("dialog[open] button[type=submit]");
  await until("a short password is refused in words", () => admin.locator("dialog [role=alert]", { hasText: "10" }).isVisible());
  await admin.fill("input[name=new-password]", "a long enough password");
  await admin.locator("dialog .area-choice input[type=checkbox]").first().check();
  await admin.click("dialog[open] button[type=submit]");
  await until("added", () => admin.locator("tr[data-user=xiaoli]", { hasText: "维保人员" }).isVisible());

  const li = await person({ path: "#/lifts" });
  await li.fill("input[name=username]", "xiaoli");
  await li.fill("input[name=password]", "a long enough password");
  await li.keyboard.press("Enter");
  await until("the new user signs in", () => li.locator(".topbar").isVisible());
  check("and is offered neither users nor refusals", (await li.locator(".nav-users, .nav-refusals").count()) === 0);
  await visit(li, "#/users");
  await until("the users page tells him why not", () => li.locator(".empty", { hasText: "管理员" }).isVisible());

  await admin.click("tr[data-user=xiaoli] button");
  await admin.check("input[name=role-dispatcher]");
  await admin.click("dialog[open] button[type=submit]");
  await until("roles are changed", () => admin.locator("tr[data-user=xiaoli]", { hasText: "调度员" }).isVisible());
  await admin.click("tr[data-user=xiaoli] button");
  await admin.check("input[name=disabled]");
  await admin.click("dialog[open] button[type=submit]");
  await until("disabled", () => admin.locator("tr[data-user=xiaoli]", { hasText: "已停用" }).isVisible());
  await until("he is signed out where he sits", () => li.locator("input[name=username]").isVisible(), 20_000);
  await admin.click("text=新增用户");
  await admin.fill("input[name=new-user]", "xiaoli");
  await admin.fill("input[name=new-password]", "a long enough password");
  await admin.check("input[name=role-fund]");
  await admin.click("dialog[open] button[type=submit]");
  await until("a name taken is refused in words", () => admin.locator("dialog [role=alert]").isVisible());
};
