// A wall screen opens by its own address, without a password, read-only and big; it lives.
export default async ({ person, world, check, until }) => {
  const lift = await world.lift({ index: 8 });
  const admin = await person({ as: "admin", path: "#/users" });
  await admin.click("text=新增大屏");
  await admin.fill("input[name=wall-name]", "wall-1");
  await admin.click("dialog[open] button[type=submit]");
  const address = await until("its address is shown once", () => admin.inputValue("dialog[open] input.address"));
  const wall = await person({ path: new URL(address).pathname.slice(1) + new URL(address).hash, width: 1920, height: 1080 });
  await until("the wall opens without a password", () => wall.locator(".wall").isVisible());
  await until("and lives", async () => (await wall.getAttribute("[data-test=feed]", "data-phase")) === "live");
  const before = Number(await wall.locator("[data-test=wall-trapped] b").textContent());
  await world.report({ index: 8, codes: [93] });
  await until("people trapped are counted by themselves", async () => Number(await wall.locator("[data-test=wall-trapped] b").textContent()) > before, 5_000);
  await until("and named", () => wall.locator(".wall-list li", { hasText: lift.code }).first().isVisible());
  const size = await wall.locator(".wall-list li").first().evaluate((one) => parseFloat(getComputedStyle(one).fontSize));
  check("large enough to be read across a room", size >= 24, `${size} px`);
  check("there is nothing to change on it", (await wall.locator(".wall form, .wall input, .wall nav").count()) === 0);
  await wall.evaluate(() => {
    location.hash = "#/users";
  });
  await wall.waitForTimeout(500);
  check("and no way to other pages", await wall.locator(".wall").isVisible());
  await world.report({ index: 8, codes: [] });
};
