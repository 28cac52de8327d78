// Sound: blocked until a click, and said so; a mute that ends by itself and with the next urgent alarm.
export default async ({ person, world, check, until }) => {
  const lift = await world.lift({ index: 12 });
  const page = await person({ as: "dispatcher" });
  const state = () => page.getAttribute("[data-test=sound]", "data-sound");
  check("silent until clicked, and said so", (await state()) === "blocked", await state());
  await page.click("[data-test=sound]");
  await until("a click makes it sound", async () => (await state()) === "on");
  await page.keyboard.press("m");
  await until("m mutes", async () => (await state()) === "muted");
  check("for ten minutes, counted down", /(10:00|9:\d\d|09:\d\d)/.test(await page.locator("[data-test=sound]").textContent()));
  await page.reload();
  await page.waitForSelector("[data-test=sound]");
  await page.click(".topbar .brand");
  await until("the mute outlives a reload", async () => (await state()) === "muted");
  await page.waitForTimeout(1_000);
  await world.report({ index: 12, codes: [93] });
  await until("a new urgent alarm ends it", async () => (await state()) === "on", 8_000);
  await world.report({ index: 12, codes: [] });
};
