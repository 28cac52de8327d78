// What every scenario stands on: a Chromium, people with browsers of their own, checks printed as TAP, and questions
// to the world outside (world.report, world.stop, ...), which test_browser.py answers.
import { chromium } from "playwright-core";
import { createInterface } from "node:readline";
import { join } from "node:path";

const FLAGS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
  "--autoplay-policy=user-gesture-required"];
if (process.getuid?.() === 0) FLAGS.push("--no-sandbox");

const replies = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks test_browser.py; every property of `world` is one question. */
const world = new Proxy({}, {
  get: (_, name) => async (args = {}) => {
    process.stdout.write(`@${JSON.stringify({ do: name, ...args })}\n`);
    const { value, done } = await replies.next();
    if (done) throw new Error(`nobody answered ${String(name)}`);
    const reply = JSON.parse(value);
    if (reply.error) throw new Error(`${String(name)}: ${reply.error}`);
    return reply.ok;
  },
});

export async function start(name) {
  const browser = await chromium.launch({ executablePath: process.env.LIFTD_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  const stage = { name, browser, world, url: process.env.LIFTD_URL, people: [], count: 0, failed: 0 };
  stage.check = (what, ok, detail = "") => {
    stage.count += 1;
    if (!ok) stage.failed += 1;
    console.log(`${ok ? "ok" : "not ok"} ${stage.count} - ${what}${ok ? "" : `\n# ${detail}`}`);
  };
  stage.until = (what, test, limit_ms = 10_000) => until(stage, what, test, limit_ms);
  stage.person = (options) => person(stage, options);
  return stage;
}

/** Checks that `test` answers something true within the time. */
async function until(stage, what, test, limit_ms) {
  const end = Date.now() + limit_ms;
  let last;
  for (;;) {
    try {
      last = await test();
    } catch (error) {
      last = `${error}`.split("\n")[0];
      if (Date.now() > end) break;
      await pause(100);
      continue;
    }
    if (last || Date.now() > end) break;
    await pause(100);
  }
  const ok = Boolean(last) && !(typeof last === "string" && /^\w*Error: /.test(last));
  stage.check(what, ok, `within ${limit_ms} ms, last: ${JSON.stringify(last)}`);
  if (!ok) throw new Error(what);
  return last;
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A browser of one's own. `as`: signed in as that user (roles: made with them); `beside` a page: another tab of its browser. What the page complains about fails. */
async function person(stage, { as = null, roles = null, width = 1280, height = 800, path = "#/alarms", beside = null, ...rest } = {}) {
  const context = beside?.context() ?? await stage.browser.newContext({ viewport: { width, height }, locale: "zh-CN", timezoneId: "America/New_York", baseURL: stage.url });
  if (as) {
    const password = await stage.world.user({ name: as, roles: roles ?? [as], ...rest });
    const answer = await context.request.post("/api/v1/session", { data: { name: as, password } });
    if (!answer.ok()) throw new Error(`sign-in of ${as}: ${answer.status()}`);
  }
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource|net::ERR_/.test(message.text())) page.complaints.push(message.text());
  });
  await page.goto(`/${path}`);
  if (as) await page.waitForSelector(".topbar, .wall");
  stage.people.push(page);
  return page;
}

export async function finish(stage, failure) {
  for (const page of stage.people) {
    for (const complaint of page.complaints) stage.check(`the page does not complain: ${complaint}`, false);
  }
  if (failure) console.log(`# ${failure.stack ?? failure}`);
  const folder = process.env.LIFTD_SHOTS ?? (failure || stage.failed ? process.env.LIFTD_SCRATCH : null);
  if (folder) {
    for (const [i, page] of stage.people.entries()) {
      const path = join(folder, `${stage.name}-${i + 1}.png`);
      await page.screenshot({ path }).then(() => console.log(`# see ${path}`), () => undefined);
    }
  }
  await stage.browser.close();
  console.log(`1..${stage.count}`);
  return failure || stage.failed || stage.count === 0 ? 1 : 0;
}

/** Goes to a page of the console without loading it anew. */
export async function visit(page, path) {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, path);
}

/** The row of an alarm of one lift with one word in it. */
export function row(page, code, word = "") {
  return page.locator(`.alarm-row[data-alarm]`, { hasText: code }).filter({ hasText: word });
}

/** Nothing sticks out to the side. */
export async function fits(page) {
  return page.evaluate(() => {
    const wide = [document.documentElement, ...document.querySelectorAll("main, .alarm-table, .topbar, .tools, .banners, dialog")];
    const out = wide.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.className || one.tagName);
    return out.join(" ");
  });
}
