// One lift's page: what it does now follows by itself, its last day is plotted, and whom to call is named.
export default async ({ person, world, check, until }) => {
  const lift = await world.lift({ index: 11 });
  const hour = 3_600_000;
  const now = Date.now();
  for (const [ago, floor] of [[6, 1], [5.9, 4], [2, 2], [1.95, 5]]) {
    await world.report({ index: 11, ts: now - ago * hour, floor, load: 80, energy: Math.round(100_000 - ago * 500) });
  }
  const page = await person({ as: "dispatcher", path: `#/lifts/${lift.id}` });
  await world.report({ index: 11, floor: 3, load: 75, energy: 100_100 });
  await until("its floor", async () => (await page.locator(".car-floor").textContent()).trim() === "3", 15_000);
  await world.report({ index: 11, floor: 6, motion: 0, load: 0, energy: 100_120 });
  await until("follows by itself", async () => (await page.locator(".car-floor").textContent()).trim() === "6", 15_000);
  await page.reload();
  await until("four plots of the last day", async () => (await page.locator(".dayplot canvas").count()) === 4);
  const drawn = await page.locator(".dayplot canvas").nth(1).evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, i) => i % 4 === 3 && value > 0);
  });
  check("with something drawn", drawn);
  const words = await page.locator(".plot-summary").textContent();
  check("silence is told in words", /静默 [1-9]/.test(words), words);
  check("its terminal is named", (await page.locator(".side").textContent()).includes(lift.device));
  await page.evaluate(() => {
    location.hash = "#/lifts/999999";
  });
  await until("a lift that is not there offers a way on", () => page.locator(".empty a").isVisible());
};
