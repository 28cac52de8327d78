// The open alarms in memory: read whole, then kept true by the event stream one alarm at a time, with what was seen
// while the database was away merged in by identity (lift, code, onset).
import { api, ApiError } from "./api";
import { onFeed } from "./events";
import { Store } from "./store";
import type { Alarm, Page, Priority, ProvisionalAlarm } from "./types";

/** An alarm as the list shows it; `id` is 0 while it is not yet recorded. */
export interface Row extends Alarm {
  key: string;
  provisional: boolean;
}
export interface AlarmsState {
  /** Read at least once since sign-in. */
  loaded: boolean;
  rows: Row[];
  error: ApiError | null;
}

export const alarms = new Store<AlarmsState>({ loaded: false, rows: [], error: null });

const recorded = new Map<number, Alarm>();
const unrecorded = new Map<string, ProvisionalAlarm>();
const directory = new Map<number, Pick<Alarm, "lift" | "building" | "compound" | "firm">>();
const wanted = new Set<number>();
let want_all = false;
/** More than this many at once are read as a whole list. */
const FEW = 10;
let busy = false;
let running = false;
let generation = 0;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let refresh: ReturnType<typeof setInterval> | undefined;
let stops: (() => void)[] = [];
let lifts_moved = false;
let read_at = 0;
let learnt_at = 0;

export function identity(alarm: { lift_id: number; code: number; raised_at: string }): string {
  return `${alarm.lift_id}/${alarm.code}/${Date.parse(alarm.raised_at)}`;
}

export function startAlarms(): void {
  stopAlarms();
  running = true;
  stops = [
    onFeed("opened", () => want(null)),
    onFeed("alarms", () => want(null)),
    onFeed("alarm", (message) => want(message.id)),
    onFeed("lifts", () => (lifts_moved = true)),
    onFeed("provisional", (message) => {
      const key = identity(message);
      if ([...recorded.values()].some((alarm) => identity(alarm) === key)) return;
      unrecorded.set(key, message);
      publish();
    }),
  ];
  // Freshness and repeats change without an alarm changing: read again now and then, less often when the list is long.
  refresh = setInterval(() => {
    if (!lifts_moved && Date.now() - read_at < 300_000) return;
    if (Date.now() - read_at > (recorded.size > 1000 ? 120_000 : 30_000)) want(null);
  }, 5_000);
  want(null);
}

export function stopAlarms(): void {
  generation += 1;
  running = false;
  busy = false;
  want_all = false;
  for (const stop of stops) stop();
  stops = [];
  clearTimeout(timer);
  clearInterval(refresh);
  for (const map of [recorded, unrecorded, directory]) map.clear();
  wanted.clear();
  learnt_at = 0;
  alarms.set({ loaded: false, rows: [], error: null });
}

/** Asks for one alarm, or for all of them (null), to be read; requests of the same moment are joined. */
export function want(id: number | null): void {
  if (!running) return;
  if (id === null) want_all = true;
  else wanted.add(id);
  if (!busy) schedule(60);
}

/** Where each lift is and whom to call, learnt while the database can still be asked: an alarm that is not yet recorded
 *  comes with the lift's number only. Learnt again when the stream opens after ten minutes or more. */
async function learnLifts(): Promise<void> {
  if (Date.now() - learnt_at < 600_000) return;
  const before = learnt_at;
  const mine = generation;
  learnt_at = Date.now();
  try {
    const lifts = await api.allLifts();
    if (mine !== generation) return;
    for (const lift of lifts) {
      directory.set(lift.id, { lift, building: lift.building, compound: lift.compound, firm: lift.firm ?? directory.get(lift.id)?.firm ?? null });
    }
    if (unrecorded.size > 0) publish();
  } catch {
    if (mine === generation) learnt_at = before;
  }
}

function schedule(ms: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void work(), ms);
}

/** One reader at a time, so that an older answer never overwrites a newer one. */
async function work(): Promise<void> {
  if (busy || !running) return;
  busy = true;
  const mine = generation;
  const all = want_all || wanted.size > FEW;
  const ids = [...wanted];
  try {
    if (all) await readAll(mine);
    else await readWanted(mine);
    if (mine !== generation) return;
    failures = 0;
    alarms.patch({ error: null });
  } catch (error) {
    if (mine !== generation) return;
    if (all) want_all = true;
    for (const id of ids) wanted.add(id);
    failures += 1;
    if (error instanceof ApiError) alarms.patch({ error });
  }
  busy = false;
  if (want_all || wanted.size > 0) schedule(failures ? Math.min(15_000, 1000 * 2 ** Math.min(failures, 4)) : all ? 1_500 : 150);
}

/** Page by page, most urgent first. A new alarm does not wait for the last page: it is read in between, and once more
 *  afterwards, because the page it would be on may have been older. */
async function readAll(mine: number): Promise<void> {
  lifts_moved = false;
  want_all = false;
  if (wanted.size > FEW) wanted.clear();
  const list: Alarm[] = [];
  const between = new Set<number>();
  let after: string | null = null;
  do {
    const page: Page<Alarm> = await api.openAlarms(after);
    if (mine !== generation) return;
    list.push(...page.items);
    after = page.next;
    if (!alarms.get().loaded && after) {
      for (const alarm of page.items) keep(alarm);
      publish();
    }
    if (wanted.size > FEW) {
      wanted.clear();
      want_all = true;
    }
    for (const id of await readWanted(mine)) between.add(id);
    if (mine !== generation) return;
  } while (after);
  recorded.clear();
  for (const alarm of list) keep(alarm);
  for (const id of between) wanted.add(id);
  read_at = Date.now();
  alarms.patch({ loaded: true });
  publish();
  await settle(mine);
  void learnLifts();
}

/** Reads the few alarms asked for one by one; answers which. */
async function readWanted(mine: number): Promise<number[]> {
  const ids = [...wanted];
  wanted.clear();
  for (const id of ids) {
    const alarm = await api.alarm(id).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    });
    if (mine !== generation) return [];
    if (alarm === null || alarm.state === "cleared") {
      recorded.delete(id);
      if (alarm) unrecorded.delete(identity(alarm));
    } else {
      keep(alarm);
    }
  }
  if (ids.length > 0) publish();
  return ids;
}

function keep(alarm: Alarm): void {
  recorded.set(alarm.id, alarm);
  unrecorded.delete(identity(alarm));
  directory.set(alarm.lift_id, alarm);
}

/** What was seen while recording was stopped may have come and gone since: the record then has it as cleared. */
async function settle(mine: number): Promise<void> {
  for (const [key, one] of [...unrecorded]) {
    const page = await api.alarmsOf(one.lift_id, one.code);
    if (mine !== generation) return;
    if (page.items.some((alarm) => identity(alarm) === key)) unrecorded.delete(key);
  }
  publish();
}

/** Takes an unrecorded alarm off the list by hand; the record, should it come, shows again. */
export function dismiss(key: string): void {
  unrecorded.delete(key);
  publish();
}

function publish(): void {
  const rows: Row[] = [];
  for (const one of unrecorded.values()) rows.push(provisionalRow(one));
  for (const alarm of recorded.values()) rows.push({ ...alarm, key: identity(alarm), provisional: false });
  alarms.patch({ rows });
}

/** As the server says it of recorded ones: 93 is the lift's own report, 200 what the rules infer. */
const TRAPPED_CODES = new Set([93, 200]);

function provisionalRow(one: ProvisionalAlarm): Row {
  const known = directory.get(one.lift_id);
  return {
    key: identity(one), provisional: true, id: 0, lift_id: one.lift_id,
    lift: known?.lift ?? null, building: known?.building ?? null, compound: known?.compound ?? null,
    firm: known?.firm ?? null, code: one.code, name_zh: one.name_zh ?? one.text_zh, name_en: one.name_en ?? one.text_en,
    priority: one.priority, state: "unacknowledged", confidence: null, text_zh: one.text_zh, text_en: one.text_en,
    raised_at: one.raised_at, recorded_at: null, cleared_at: null, acknowledged_at: null, acknowledged_by: null,
    repeats_24h: null, last_reading_at: null, silent: null, people_trapped: TRAPPED_CODES.has(one.code),
  };
}

/** Lifts in which people may be shut in and nobody has closed it yet: these stay on the banner. Two alarms of one lift
 *  are one entrapment: its most urgent alarm stands for it, with the earliest onset. */
export function trappedRows(rows: Row[]): Row[] {
  const lifts = new Map<number, Row>();
  for (const row of rows.filter((one) => one.people_trapped && one.state !== "cleared").sort(byUrgency)) {
    const first = lifts.get(row.lift_id);
    if (!first) lifts.set(row.lift_id, row);
    else if (Date.parse(row.raised_at) < Date.parse(first.raised_at)) lifts.set(row.lift_id, { ...first, raised_at: row.raised_at });
  }
  return [...lifts.values()];
}

export function needsAcknowledge(row: Row): boolean {
  return row.state === "unacknowledged" || row.state === "returned_unacknowledged";
}

const STATE_ORDER: Record<string, number> = {
  unacknowledged: 0, returned_unacknowledged: 1, acknowledged: 2, shelved: 3, suppressed: 4, out_of_service: 5, cleared: 6,
};
function newestFirst(a: Row, b: Row): number {
  return a.raised_at === b.raised_at ? a.key.localeCompare(b.key) : Date.parse(b.raised_at) - Date.parse(a.raised_at);
}

/** Most urgent first: people, then unacknowledged, then priority, then newest. */
export function byUrgency(a: Row, b: Row): number {
  const people = Number(b.people_trapped) - Number(a.people_trapped);
  if (people) return people;
  const waiting = Number(needsAcknowledge(b)) - Number(needsAcknowledge(a));
  if (waiting) return waiting;
  if (a.priority !== b.priority) return a.priority - b.priority;
  return (STATE_ORDER[a.state] ?? 9) - (STATE_ORDER[b.state] ?? 9) || newestFirst(a, b);
}
export { newestFirst };

export interface AlarmFilter {
  words: string;
  priorities: Set<Priority>;
  state: "" | "waiting" | "acknowledged" | "trapped";
  sort: "urgency" | "newest";
}

export function filterRows(rows: Row[], filter: AlarmFilter): Row[] {
  const words = filter.words.toLowerCase().split(/\s+/).filter(Boolean);
  return rows
    .filter((row) => {
      if (filter.priorities.size > 0 && !filter.priorities.has(row.priority)) return false;
      if (filter.state === "waiting" && !needsAcknowledge(row)) return false;
      if (filter.state === "acknowledged" && row.state !== "acknowledged") return false;
      if (filter.state === "trapped" && !row.people_trapped) return false;
      if (words.length === 0) return true;
      const text = haystack(row);
      return words.every((word) => text.includes(word));
    })
    .sort(filter.sort === "newest" ? newestFirst : byUrgency);
}

function haystack(row: Row): string {
  return [
    row.lift?.code, row.lift?.name_zh, row.lift?.name_en, row.building?.name_zh, row.building?.name_en,
    row.compound?.name_zh, row.compound?.name_en, row.name_zh, row.name_en, row.text_zh, row.text_en,
    row.firm?.name_zh, row.firm?.name_en, row.acknowledged_by, String(row.code),
  ].filter(Boolean).join(" ").toLowerCase();
}
