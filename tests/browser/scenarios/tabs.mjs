// Eight tabs in one browser, which opens at most six connections: all live on one stream, and outlive the tab that has it.
import { row } from "../harness.mjs";

export default async ({ person, world, check, until }) => {
  const lift = await world.lift({ index: 15 });
  const live = async (page) => (await page.getAttribute("[data-test=feed]", "data-phase")) === "live";
  const tabs = [await person({ as: "dispatcher", path: `#/alarms?q=${lift.code}` })];
  await until("the first tab lives", () => live(tabs[0]));
  for (let i = 1; i < 8; i += 1) tabs.push(await person({ beside: tabs[0], path: `#/alarms?q=${lift.code}` }));
  for (const [i, tab] of tabs.entries()) await until(`tab ${i + 1} lives`, () => live(tab));
  await world.report({ index: 15, codes: [90] });
  for (const [i, tab] of tabs.entries()) await until(`tab ${i + 1} sees the alarm`, () => row(tab, lift.code).isVisible());
  await tabs[0].close();
  await tabs[1].waitForTimeout(14_000);
  for (const [i, tab] of tabs.slice(1).entries()) check(`tab ${i + 2} lives on without the first`, await live(tab));
  await world.report({ index: 15, codes: [90, 2] });
  for (const tab of [tabs[1], tabs[7]]) await until("and hears of what is new", async () => (await row(tab, lift.code).count()) >= 2);
  await world.report({ index: 15, codes: [101] });
};
