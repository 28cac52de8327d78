// The event stream: opened again with growing pauses, watched for its beat, declared dead when the beat stays away. The
// tabs of one browser share one stream (see tabs.ts).
import { Store } from "./store";
import { api, ApiError } from "./api";
import { joinTabs, leaveTabs, tellTabs } from "./tabs";
import type { FeedStatus, ProvisionalAlarm } from "./types";

/** Without any event for this long (liftd beats every 5 s) the feed is dead. */
export const DEAD_AFTER_MS = 12_000;
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

export type FeedPhase = "off" | "opening" | "live" | "dead";
export interface FeedState {
  phase: FeedPhase;
  /** When the last event arrived (this browser's clock), 0 before the first. */
  heard_at: number;
  status: FeedStatus;
}

export interface FeedMessages {
  alarm: { id: number; lift_id: number; code: number; priority: number; state: string };
  alarms: object;
  lifts: object;
  refusals: object;
  presence: { device: string };
  provisional: ProvisionalAlarm;
  /** Not from the server: the stream is (again) open, so everything must be read afresh. */
  opened: object;
}
type Topic = keyof FeedMessages;
const TOPICS: Topic[] = ["alarm", "alarms", "lifts", "refusals", "presence", "provisional"];

export const feed = new Store<FeedState>({
  phase: "off",
  heard_at: 0,
  status: { database: "up", broker: "up", recording: true },
});

const listeners = new Map<Topic, Set<(message: never) => void>>();
let source: EventSource | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;
let watch: ReturnType<typeof setInterval> | undefined;
let tries = 0;
let opened_at = 0;

/** Calls `action` for each message of `topic`; answers the function that stops it. */
export function onFeed<K extends Topic>(topic: K, action: (message: FeedMessages[K]) => void): () => void {
  const set = listeners.get(topic) ?? new Set();
  listeners.set(topic, set);
  set.add(action as (message: never) => void);
  return () => set.delete(action as (message: never) => void);
}

function emit<K extends Topic>(topic: K, message: FeedMessages[K]): void {
  for (const action of [...(listeners.get(topic) ?? [])]) (action as (message: FeedMessages[K]) => void)(message);
}

export function startFeed(user: number): void {
  stopFeed();
  feed.patch({ phase: "opening", heard_at: 0 });
  opened_at = Date.now();
  watch = setInterval(look, 500);
  joinTabs(user, {
    lead: () => {
      if (!source) open();
    },
    hear: (topic, data) => {
      if (!source && feed.get().phase !== "off") take(topic, data);
    },
    greet: () => {
      if (feed.get().phase === "live") tellTabs("status", JSON.stringify(feed.get().status));
    },
  });
}

export function stopFeed(): void {
  leaveTabs();
  source?.close();
  source = null;
  clearTimeout(retry);
  clearInterval(watch);
  tries = 0;
  feed.patch({ phase: "off" });
}

function open(): void {
  clearTimeout(retry);
  const mine = new EventSource("/api/v1/events");
  source = mine;
  const pass = (topic: string) => (event: Event) => {
    if (source !== mine) return;
    const data = String((event as MessageEvent<unknown>).data ?? "{}");
    tries = 0;
    take(topic, data);
    tellTabs(topic, data);
  };
  for (const topic of [...TOPICS, "beat", "status"]) mine.addEventListener(topic, pass(topic));
  mine.addEventListener("open", pass("opened"));
  mine.addEventListener("error", () => {
    if (source === mine) again();
  });
}

/** One event, from this tab's stream or from the tab that has it. */
function take(topic: string, data: string): void {
  const first = feed.get().phase !== "live";
  feed.patch({ heard_at: Date.now(), phase: "live" });
  if (first || topic === "opened") emit("opened", {});
  if (topic === "beat" || topic === "opened") return;
  const message = parse<never>(data);
  if (message === null) return;
  if (topic === "status") feed.patch({ status: message });
  else emit(topic as Topic, message);
}

function parse<T>(data: string): T | null {
  try {
    return JSON.parse(data) as T;
  } catch {
    return null;
  }
}

/** Closes the stream and opens it again after a pause with jitter. A stream refused for want of a session ends here:
 *  the browser does not tell why it failed, so /me is asked. */
function again(): void {
  source?.close();
  source = null;
  if (feed.get().phase === "live") feed.patch({ phase: "opening" });
  const pause = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] ?? 15_000;
  tries += 1;
  clearTimeout(retry);
  retry = setTimeout(() => {
    api.me().then(open, (error: unknown) => {
      if (feed.get().phase === "off") return;
      if (error instanceof ApiError && error.status === 401) lost();
      else if (error instanceof ApiError && error.status === 503) open();
      else again();
    });
  }, pause * (0.75 + Math.random() / 2));
}

let lost: () => void = () => undefined;
export function onFeedRefused(action: () => void): void {
  lost = action;
}

/** Looks whether the beat still comes. Also catches a computer that slept and a line that is cut but not closed. */
function look(): void {
  const state = feed.get();
  if (state.phase === "off") return;
  const silent_ms = Date.now() - (state.heard_at || opened_at);
  if (silent_ms < DEAD_AFTER_MS) return;
  if (state.phase !== "dead") {
    feed.patch({ phase: "dead" });
    // This tab's own stream, or none: then the tab that has one is stuck, and this one opens its own.
    again();
  } else if (source) {
    again();
  }
}
