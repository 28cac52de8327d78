// Times (always Asia/Shanghai), ages, quantities and addresses as people read them.
import { nameOf, t, tOr } from "./i18n";
import type { Alarm, Place } from "./types";

const stamp = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "2-digit", day: "2-digit",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

function parts(at: number): Record<string, string> {
  return Object.fromEntries(stamp.formatToParts(at).map((part) => [part.type, part.value]));
}

/** 2026-11-23 18:55:50 */
export function fullTime(at: string | number | null | undefined): string {
  const ms = instant(at);
  if (ms === null) return t("none");
  const p = parts(ms);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
}

/** 18:55:50 on the day of `now`, else 11-23 18:55 */
export function shortTime(at: string | number | null | undefined, now: number): string {
  const ms = instant(at);
  if (ms === null) return t("none");
  const p = parts(ms);
  const n = parts(now);
  if (p.year === n.year && p.month === n.month && p.day === n.day) return `${p.hour}:${p.minute}:${p.second}`;
  return p.year === n.year ? `${p.month}-${p.day} ${p.hour}:${p.minute}` : `${p.year}-${p.month}-${p.day}`;
}

export function clockTime(at: number): string {
  const p = parts(at);
  return `${p.hour}:${p.minute}:${p.second}`;
}
export function hourMinute(at: number): string {
  const p = parts(at);
  return `${p.hour}:${p.minute}`;
}
export function dateText(at: number): string {
  const p = parts(at);
  return `${p.year}-${p.month}-${p.day}`;
}

export function instant(at: string | number | null | undefined): number | null {
  if (at === null || at === undefined || at === "") return null;
  const ms = typeof at === "number" ? at : Date.parse(at);
  return Number.isNaN(ms) ? null : ms;
}

/** 42 s, 3 min, 2 h 5 min, 4 d 3 h: whole steps, never rounded up. */
export function spanText(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return t("age.s", { n: s });
  if (s < 3600) return t("age.m", { n: Math.floor(s / 60) });
  if (s < 86_400) return t("age.h", { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
  return t("age.d", { d: Math.floor(s / 86_400), h: Math.floor((s % 86_400) / 3600) });
}

/** mm:ss, for what is watched by the second. */
export function countText(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  return s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}`
    : `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
}

export function numberText(value: number | null | undefined, unit = "", digits = 0): string {
  if (value === null || value === undefined) return t("unknown");
  const text = value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit ? `${text} ${unit}` : text;
}

export function yesNo(value: boolean | null | undefined): string {
  return value === null || value === undefined ? t("unknown") : value ? t("yes") : t("no");
}

export function codeText(code: number): string {
  return tOr(`code.${code}`, String(code));
}

/** Compound and building, without saying the compound twice. */
export function placeText(compound: Place | null, building: Place | null): string {
  const big = nameOf(compound);
  const small = nameOf(building);
  return small.startsWith(big) ? small : [big, small].filter(Boolean).join(" ");
}

export function alarmPlace(alarm: Pick<Alarm, "compound" | "building" | "lift" | "lift_id">): string {
  return placeText(alarm.compound, alarm.building);
}
/** The whole "where" of an alarm: compound, building, lift. */
export function alarmWhere(alarm: Pick<Alarm, "compound" | "building" | "lift" | "lift_id">): string {
  return [alarmPlace(alarm), alarmLift(alarm)].filter(Boolean).join(" ");
}
export function alarmLift(alarm: Pick<Alarm, "lift" | "lift_id">): string {
  return alarm.lift?.code || nameOf(alarm.lift) || t("alarms.unknown.lift", { id: alarm.lift_id });
}
export function alarmText(alarm: Pick<Alarm, "text_zh" | "text_en">): string {
  return nameOf({ name_zh: alarm.text_zh ?? "", name_en: alarm.text_en });
}

/** What the text says beyond the alarm's name, which stands beside it. */
export function alarmRest(alarm: Pick<Alarm, "name_zh" | "name_en" | "text_zh" | "text_en">): string {
  const text = alarmText(alarm);
  const name = nameOf(alarm);
  const starts = text.toLowerCase().startsWith(name.toLowerCase());
  return starts ? text.slice(name.length).replace(/^[\s，,；;：:、.。]+/, "") : text;
}

/** The number as a telephone takes it. */
export function telHref(phone: string): string {
  return `tel:${phone.replace(/[^\d+]/g, "")}`;
}
