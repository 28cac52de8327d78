// The keyboard: pages lay their keys on a stack, the topmost page that knows a key gets it, `?` lists what is in force.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Key } from "./i18n";

export interface Binding {
  /** A key as KeyboardEvent.key, or two separated by a space ("g a"). */
  keys: string;
  label: Key;
  run: () => void;
}

const stack: { bindings: Binding[] }[] = [];
let prefix = "";
let prefix_at = 0;

/** What Chinese input methods send for the keys we use. */
const SAME: Record<string, string> = { "？": "?", "、": "/", "ArrowDown": "j", "ArrowUp": "k" };

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

function find(keys: string): Binding | undefined {
  for (let i = stack.length - 1; i >= 0; i--) {
    const hit = stack[i]?.bindings.find((one) => one.keys === keys);
    if (hit) return hit;
  }
  return undefined;
}

function pressed(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  const arrow = event.key.startsWith("Arrow");
  const key = SAME[event.key] ?? event.key;
  // Enter on a link or button is that link's or button's own.
  if (key === "Enter" && event.target instanceof Element && event.target.closest("a,button,summary")) return;
  if (arrow && event.target instanceof Element && event.target.closest("[role=radiogroup],[role=tablist]")) return;
  const both = prefix && Date.now() - prefix_at < 1500 ? `${prefix} ${key}` : "";
  prefix = "";
  const hit = (both && find(both)) || find(key);
  if (hit) {
    event.preventDefault();
    hit.run();
  } else if (key === "g") {
    prefix = key;
    prefix_at = Date.now();
  }
}
addEventListener("keydown", pressed);

/** Puts keys in force while the component is on screen; those that hold everywhere yield to a page's own. */
export function useKeys(bindings: Binding[], everywhere = false): void {
  const frame = useRef<{ bindings: Binding[] }>({ bindings });
  frame.current.bindings = bindings;
  useLayoutEffect(() => {
    const mine = frame.current;
    if (everywhere) stack.unshift(mine);
    else stack.push(mine);
    return () => {
      stack.splice(stack.indexOf(mine), 1);
    };
  }, []);
}

/** Every key in force now, the page's own first. */
export function keysInForce(): Binding[] {
  const seen = new Set<string>();
  const out: Binding[] = [];
  for (const frame of [...stack].reverse()) {
    for (const one of frame.bindings) {
      if (!seen.has(one.keys)) out.push(one);
      seen.add(one.keys);
    }
  }
  return out;
}
