// The console's pure parts, without a browser: what the day's plots are made of, and the order and filters of the
// alarm list. Prints TAP. Bundled by the console's own esbuild.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const console_dir = resolve(here, "../../server/console");
const { buildSync } = createRequire(join(console_dir, "package.json"))("esbuild");
const out = mkdtempSync(join(tmpdir(), "liftd-console-"));

let count = 0;
let failed = 0;
function same(what, got, wanted) {
  count += 1;
  const ok = JSON.stringify(got) === JSON.stringify(wanted);
  if (!ok) failed += 1;
  console.log(`${ok ? "ok" : "not ok"} ${count} - ${what}${ok ? "" : `\n# got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`}`);
}

async function load(path) {
  const outfile = join(out, `${path.replace(/\W/g, "_")}.mjs`);
  buildSync({ entryPoints: [join(console_dir, "src", path)], bundle: true, format: "esm", outfile, jsx: "automatic",
    jsxImportSource: "preact", absWorkingDir: console_dir });
  return import(pathToFileURL(outfile).href);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const from = Date.parse("2026-11-22T16:00:00Z");
const to = from + 24 * HOUR;
const iso = (ms) => new Date(ms).toISOString();
const reading = (at, more = {}) => ({ ts: iso(at), at: iso(at), mode: 1, motion: 0, floor: 1, flags: 0, codes: [], load_kg: 0, speed_mm_s: 0, energy_wh: 1000, ...more });
const every = (step, from_ms, to_ms, more) => {
  const items = [];
  for (let at = from_ms; at < to_ms; at += step) items.push(reading(at, more));
  return items;
};

async function day() {
  const { dayData } = await load("parts/daydata.ts");
  const whole = dayData({ items: every(MINUTE, from, to), gaps: [], thinned: false }, from, to, 3000);
  same("a day without a hole has no silence", whole.silences, []);
  same("one band of its one mode", whole.bands, [{ from, to, mode: 1 }]);
  same("and no break in its lines", whole.floor.includes(null), false);

  const quiet = [...every(MINUTE, from, from + 6 * HOUR), ...every(MINUTE, from + 8 * HOUR, to)];
  const silent = dayData({ items: quiet, gaps: [], thinned: false }, from, to, 3000);
  same("two hours without a reading are one silence", silent.silences, [{ from: from + 6 * HOUR - MINUTE, to: from + 8 * HOUR }]);
  same("over which no line is drawn", silent.floor.filter((one) => one === null).length, 1);
  same("nor a band", silent.bands.length, 2);

  const missing = dayData({ items: quiet, gaps: [{ from: iso(from + 6 * HOUR - MINUTE), to: iso(from + 8 * HOUR) }], thinned: false }, from, to, 3000);
  same("known to be missing, it is no silence", [missing.silences, missing.gaps.length], [[], 1]);

  const ended = dayData({ items: every(MINUTE, from, from + HOUR), gaps: [], thinned: false }, from, to, 3000);
  same("silence reaches to now", ended.silences, [{ from: from + HOUR - MINUTE, to }]);

  const fresh = dayData({ items: every(MINUTE, to - HOUR, to), gaps: [{ from: null, to: iso(to - HOUR) }], thinned: false }, from, to, 3000);
  same("before a new terminal's first reading is silence", [fresh.gaps, fresh.silences], [[], [{ from, to: to - HOUR }]]);

  const thinned = dayData({ items: every(7 * MINUTE, from, to), gaps: [], thinned: true }, from, to, 1500);
  same("thinned readings are no silence", thinned.silences, []);

  const modes = dayData({ items: [...every(MINUTE, from, from + HOUR), ...every(MINUTE, from + HOUR, from + 2 * HOUR, { mode: 2 }), ...every(MINUTE, from + 2 * HOUR, to)], gaps: [], thinned: false }, from, to, 3000);
  same("modes follow each other without a hole", modes.bands, [{ from, to: from + HOUR, mode: 1 }, { from: from + HOUR, to: from + 2 * HOUR, mode: 2 }, { from: from + 2 * HOUR, to, mode: 1 }]);

  const used = dayData({ items: [reading(from, { energy_wh: null }), reading(from + MINUTE, { energy_wh: 5000 }), reading(from + 2 * MINUTE, { energy_wh: 7500 })], gaps: [], thinned: false }, from, to, 3000);
  same("energy counts from its first known value", [used.used_kwh, used.energy.slice(0, 3)], [2.5, [null, 0, 2.5]]);
  same("no readings are one silence", dayData({ items: [], gaps: [], thinned: false }, from, to, 3000).silences, [{ from, to }]);
}

async function list() {
  const { byUrgency, filterRows, trappedRows } = await load("alarms.ts");
  const row = (key, priority, state, more = {}) => ({
    key, id: Number(key), lift_id: Number(key), lift: { code: `L${key}` }, building: { name_zh: "望江一村1号", name_en: "Wangjiang" },
    compound: null, firm: { name_zh: "恒达", name_en: "Hengda", phone: "021" }, code: 2, priority, state, name_zh: "关门故障", name_en: "door",
    text_zh: "", text_en: "", raised_at: iso(from + Number(key) * MINUTE), people_trapped: false, ...more,
  });
  const rows = [
    row("1", 2, "acknowledged"), row("2", 4, "unacknowledged"), row("3", 1, "acknowledged", { people_trapped: true }),
    row("4", 2, "unacknowledged"), row("5", 2, "unacknowledged"), row("6", 1, "returned_unacknowledged"),
  ];
  same("people first, then what waits, then priority, then the newest", [...rows].sort(byUrgency).map((one) => one.key), ["3", "6", "5", "4", "2", "1"]);
  const filter = (more) => filterRows(rows, { words: "", priorities: new Set(), state: "", sort: "urgency", ...more }).map((one) => one.key);
  same("newest first when asked", filter({ sort: "newest" }), ["6", "5", "4", "3", "2", "1"]);
  same("all words must fit, in either language", filter({ words: "l4 WANGJIANG 恒达" }), ["4"]);
  same("by priority", filter({ priorities: new Set([1]) }), ["3", "6"]);
  same("waiting means unacknowledged, returned or not", filter({ state: "waiting" }), ["6", "5", "4", "2"]);
  same("trapped", filter({ state: "trapped" }), ["3"]);
  const two = [row("1", 1, "acknowledged", { people_trapped: true, lift_id: 7 }), row("2", 1, "unacknowledged", { people_trapped: true, lift_id: 7 }),
    row("3", 1, "cleared", { people_trapped: true, lift_id: 8 })];
  same("two alarms of one lift are one entrapment, told by the one that waits, since the first", trappedRows(two).map((one) => [one.key, one.raised_at]),
    [["2", iso(from + MINUTE)]]);
}

try {
  await day();
  await list();
} finally {
  rmSync(out, { recursive: true, force: true });
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
