// Acknowledgements that the server could not take yet: kept on screen and in the browser's storage, sent again under
// the same Idempotency-Key until an answer comes, also for alarms that are not yet recorded.
import { alarms, identity, want, type Row } from "./alarms";
import { api, ApiError, errorWords, newKey } from "./api";
import { onFeed } from "./events";
import { Store } from "./store";
import { toast } from "./toast";
import { t } from "./i18n";

export interface Pending {
  alarm: string;
  id: number;
  comment: string;
  key: string;
  since: number;
}

export const pending = new Store<Pending[]>([]);
let owner = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let pause_ms = 1_000;
let busy = false;
let stops: (() => void)[] = [];

const place = () => `liftd.pending.${owner}`;

/** Takes up what this user had left pending, also over a reload of the page. */
export function startPending(user: number): void {
  stopPending();
  owner = user;
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place()) ?? "[]");
    if (Array.isArray(kept)) pending.set(kept as Pending[]);
  } catch {
    // nothing kept, or storage refused: then there is nothing to take up
  }
  stops = [onFeed("opened", () => soon(100)), alarms.watch(resolve)];
  soon(500);
}

export function stopPending(): void {
  for (const stop of stops) stop();
  stops = [];
  clearTimeout(timer);
  owner = 0;
  pending.set([]);
}

function save(list: Pending[]): void {
  pending.set(list);
  try {
    if (list.length) localStorage.setItem(place(), JSON.stringify(list));
    else localStorage.removeItem(place());
  } catch {
    // storage refused: the list still lives as long as this page
  }
}

export function isPending(list: Pending[], row: { key: string }): boolean {
  return list.some((one) => one.alarm === row.key);
}

/** Acknowledges an alarm: at once when the server can, else as soon as it can. */
export function acknowledge(row: Row, comment: string): void {
  if (isPending(pending.get(), row)) return;
  save([...pending.get(), { alarm: row.key, id: row.id, comment, key: newKey(), since: Date.now() }]);
  pause_ms = 1_000;
  soon(0);
}

function soon(ms: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void send(), ms);
}

/** An alarm that was not recorded when it was acknowledged has a number now. */
function resolve(): void {
  const list = pending.get();
  if (!list.some((one) => one.id === 0)) return;
  const ids = new Map(alarms.get().rows.filter((row) => row.id > 0).map((row) => [identity(row), row.id]));
  if (!list.some((one) => one.id === 0 && ids.has(one.alarm))) return;
  save(list.map((one) => (one.id === 0 ? { ...one, id: ids.get(one.alarm) ?? 0 } : one)));
  soon(0);
}

async function send(): Promise<void> {
  if (busy) return;
  busy = true;
  let failed = false;
  for (const one of pending.get()) {
    if (one.id === 0) continue;
    try {
      await api.acknowledge(one.id, one.comment, one.key);
      done(one);
    } catch (error) {
      const passing = error instanceof ApiError && (error.passing || error.status === 401 || error.status === 500);
      if (passing) {
        failed = true;
      } else {
        done(one);
        toast("bad", `${t("ack.failed")} ${errorWords(error)}`);
      }
    }
  }
  busy = false;
  const left = pending.get().some((one) => one.id !== 0);
  if (failed) pause_ms = Math.min(pause_ms * 2, 10_000);
  if (left) soon(failed ? pause_ms : 200);
}

function done(one: Pending): void {
  save(pending.get().filter((other) => other.key !== one.key));
  want(one.id);
}
