// One event stream for all tabs of a browser, which opens at most six connections to a server: the tab that holds a lock
// has the stream and tells the others; when it closes, the next one takes over. Browsers without locks or channels
// (and pages not served by HTTPS or this machine) get a stream in each tab.

export interface Tab {
  /** This tab is to open the stream. */
  lead: () => void;
  /** The leading tab passes an event on. */
  hear: (topic: string, data: string) => void;
  /** A new tab asks how things stand. */
  greet: () => void;
}

let channel: BroadcastChannel | null = null;
let leading = false;
let leave: (() => void) | null = null;

export function joinTabs(user: number, tab: Tab): void {
  leaveTabs();
  if (typeof BroadcastChannel === "undefined" || !("locks" in navigator)) {
    tab.lead();
    return;
  }
  // By user, because another user's stream may tell of other lifts.
  const name = `liftd.feed.${user}`;
  const mine = new BroadcastChannel(name);
  channel = mine;
  mine.onmessage = (event: MessageEvent<{ topic: string; data: string }>) => {
    if (event.data.topic !== "hello") tab.hear(event.data.topic, event.data.data);
    else if (leading) tab.greet();
  };
  const gone = new AbortController();
  const held = new Promise<void>((release) => {
    leave = () => {
      gone.abort();
      release();
    };
  });
  navigator.locks.request(name, { signal: gone.signal }, () => {
    if (channel !== mine) return undefined;
    leading = true;
    tab.lead();
    return held;
  }).catch(() => undefined); // given up while waiting: this tab signed out
  mine.postMessage({ topic: "hello", data: "" });
}

export function leaveTabs(): void {
  leave?.();
  leave = null;
  channel?.close();
  channel = null;
  leading = false;
}

/** Passes an event on to the other tabs, if this one leads. */
export function tellTabs(topic: string, data: string): void {
  if (leading) channel?.postMessage({ topic, data });
}
