// Chinese first, English one click away, on every page; it is remembered.
import { visit } from "../harness.mjs";

const PAGES = ["#/alarms", "#/overview", "#/lifts", "#/refusals", "#/users", "#/history", "#/nowhere", "#/wallboard"];

export default async ({ person, check, until }) => {
  const page = await person({ as: "admin" });
  check("Chinese first", (await page.locator("nav").first().textContent()).includes("报警"));
  check("and said so to the browser", (await page.getAttribute("html", "lang")) === "zh-CN");
  await page.click("[data-test=language]");
  await until("English after one click", async () => (await page.locator("nav").first().textContent()).includes("Alarms"));
  check("also said to the browser", (await page.getAttribute("html", "lang")) === "en");
  await page.reload();
  await until("remembered", async () => (await page.locator("nav").first().textContent()).includes("Alarms"));
  for (const path of PAGES) {
    await visit(page, path);
    await page.waitForTimeout(400);
    const left = await page.evaluate(() => [...document.querySelectorAll("h1, h2, label, button, th, option, .empty, summary, footer")]
      .map((one) => one.textContent).filter((text) => /[\u4e00-\u9fff]/.test(text) && !text.includes("中文")).slice(0, 3));
    check(`no Chinese left on ${path}`, left.length === 0, JSON.stringify(left));
  }
  await visit(page, "#/alarms");
  await page.waitForSelector("[data-test=language]");
  await page.click("[data-test=language]");
  await until("and back", async () => (await page.locator("nav").first().textContent()).includes("报警"));
};
