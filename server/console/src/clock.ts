// The server's time as the console sees it: ages are counted against it, so a wrong desk clock cannot make an alarm
// look younger than it is. One shared tick a second drives every age on screen.
import { useEffect, useReducer } from "preact/hooks";
import { Store } from "./store";

let offset_ms = 0;
let heard = false;

/** Takes the Date header of an answer (whole seconds) as the server's time, keeping a nearby earlier estimate. */
export function clockHeard(date: string | null): void {
  const server = date ? Date.parse(date) : NaN;
  if (Number.isNaN(server)) return;
  const offset = server + 500 - Date.now();
  if (!heard || Math.abs(offset - offset_ms) > 2000) offset_ms = Math.abs(offset) > 2000 ? offset : 0;
  heard = true;
}

export function serverNow(): number {
  return Date.now() + offset_ms;
}

const tick = new Store(0);
setInterval(() => tick.set(tick.get() + 1), 1000);

/** The server's time now, rendering again every `seconds`. */
export function useNow(seconds = 1): number {
  const [, again] = useReducer((n: number, _: void) => n + 1, 0);
  useEffect(() => tick.watch(() => {
    if (tick.get() % seconds === 0) again();
  }), [seconds]);
  return serverNow();
}
