// Signing in: wrong, empty and right; back to the page that was asked for; signing out.
export default async ({ person, world, check, until }) => {
  await world.user({ name: "dispatcher", roles: ["dispatcher"] });
  const page = await person({ path: "#/lifts?q=L0" });
  await until("a sign-in page", () => page.locator("input[name=username]").isVisible());
  await page.click("button[type=submit]");
  await until("empty fields are asked for", () => page.locator("[role=alert]", { hasText: "请填写" }).isVisible());
  await page.fill("input[name=username]", "dispatcher");
  await page.fill("input[name=password]", "not the password");
  await page.keyboard.press("Enter");
  await until("a wrong password is told in words", () => page.locator("[role=alert]", { hasText: "用户名或密码不对" }).isVisible());
  check("and the password field is empty again", (await page.inputValue("input[name=password]")) === "");
  await page.fill("input[name=password]", await world.user({ name: "dispatcher", roles: ["dispatcher"] }));
  await page.keyboard.press("Enter");
  await until("the right one opens the page that was asked for", () => page.locator("table.lifts").isVisible());
  check("with its filter", (await page.inputValue("input[type=search]")) === "L0");
  check("dispatchers are not offered the users", (await page.locator("nav a", { hasText: "用户" }).count()) === 0);
  await page.reload();
  await until("the session outlives a reload", () => page.locator("table.lifts").isVisible());
  await page.click("[data-test=signout]");
  await until("signed out", () => page.locator("input[name=username]").isVisible());
  await page.reload();
  await until("and stays so", () => page.locator("input[name=username]").isVisible());
};
