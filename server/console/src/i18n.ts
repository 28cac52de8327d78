// Words in the reader's language: Chinese first, English one click away. The dictionaries are typed by the Chinese one,
// so a key missing in either fails the type check and with it the build.
import { zh, type Key } from "./dict/zh";
import { en } from "./dict/en";
import { Store, useStore } from "./store";
import type { Named } from "./types";

export type Language = "zh" | "en";
export type { Key };

const STORED = "liftd.language";
function stored(): Language | null {
  try {
    const value = localStorage.getItem(STORED);
    return value === "zh" || value === "en" ? value : null;
  } catch {
    return null;
  }
}

export const language = new Store<Language>(stored() ?? "zh");

/** Chooses a language for this browser. The account is told by whoever calls this. */
export function setLanguage(value: Language): void {
  try {
    localStorage.setItem(STORED, value);
  } catch {
    // private windows may refuse storage; the choice then lasts as long as the page
  }
  language.set(value);
}

/** Follows the account's language unless this browser has chosen one. */
export function suggestLanguage(value: string | null | undefined): void {
  if (!stored() && (value === "zh" || value === "en")) language.set(value);
}

type Values = Record<string, string | number>;

/** The text of `key`, with {name} replaced from `values`. */
export function t(key: Key, values?: Values): string {
  const text: string = (language.get() === "en" ? en : zh)[key];
  return values ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text;
}

/** The text of a key that is put together at run time, or `otherwise` when there is no such word. */
export function tOr(key: string, otherwise: string): string {
  const words: Record<string, string> = language.get() === "en" ? en : zh;
  return words[key] ?? otherwise;
}

/** A thing's name in the reader's language, the other one when it has none. */
export function nameOf(thing: Named | null | undefined): string {
  if (!thing) return "";
  if (language.get() === "zh") return thing.name_zh || thing.name_en || "";
  const name = thing.name_en || thing.name_zh || "";
  return name.charAt(0).toUpperCase() + name.slice(1);
}

export function useLanguage(): Language {
  return useStore(language);
}
