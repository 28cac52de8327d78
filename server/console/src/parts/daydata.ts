// From a day's readings to what the plots draw: columns over time, stretches of silence and of missing data, the
// service modes as bands. Pure, so that it can be reasoned about and tested without a page.
import type { Reading, Readings } from "../types";

/** Longer without a reading than this is silence, as for the alarm. */
export const SILENT_MS = 300_000;

export interface Span {
  from: number;
  to: number;
}
export interface Band extends Span {
  mode: number | null;
}
export interface DayData {
  /** Seconds, as uPlot wants them. */
  times: number[];
  floor: (number | null)[];
  load: (number | null)[];
  energy: (number | null)[];
  bands: Band[];
  silences: Span[];
  gaps: Span[];
  used_kwh: number;
}

/** `points` is what was asked for: thinning keeps the first and last reading of each of points / 10 stretches of time, so
 *  two that follow each other may lie that far apart without any silence. */
export function dayData(readings: Readings, from: number, to: number, points: number): DayData {
  const items = readings.items
    .map((one) => ({ at: Date.parse(one.at ?? one.ts), one }))
    .filter(({ at }) => at >= from && at <= to + 60_000)
    .sort((a, b) => a.at - b.at);
  // Where a gap begins may be unknown (a new terminal was never heard before): that is silence, not missing data.
  const gaps = readings.gaps
    .filter((gap) => gap.from !== null)
    .map((gap) => ({
      from: Math.max(from, gap.from ? Date.parse(gap.from) : from),
      to: Math.min(to, gap.to ? Date.parse(gap.to) : to),
    }))
    .filter((gap) => gap.to > gap.from);
  const out: DayData = { times: [], floor: [], load: [], energy: [], bands: [], silences: [], gaps, used_kwh: 0 };
  const silent_ms = Math.max(SILENT_MS, readings.thinned ? (to - from) / (points / 10) : 0);

  let energy_start: number | null = null;
  let before: number = from;
  let latest: Reading | null = null;
  for (const { at, one } of items) {
    const broken = at - before > silent_ms || gaps.some((gap) => gap.from >= before && gap.to <= at);
    if (at - before > silent_ms) out.silences.push({ from: before, to: at });
    if (broken && latest) push(out, (before + at) / 2000, null, null, null);
    if (one.energy_wh !== null && energy_start === null) energy_start = one.energy_wh;
    const used = one.energy_wh === null || energy_start === null ? null : (one.energy_wh - energy_start) / 1000;
    if (used !== null) out.used_kwh = used;
    push(out, at / 1000, one.floor, one.load_kg, used);
    band(out.bands, latest, broken, before, at, one.mode);
    before = at;
    latest = one;
  }
  if (to - before > silent_ms) out.silences.push({ from: before, to });
  else closeBand(out.bands, to);
  out.silences = without(out.silences, gaps);
  return out;
}

/** What is known to be missing is no silence: the device spoke, the readings did not arrive. */
function without(spans: Span[], holes: Span[]): Span[] {
  let left = spans;
  for (const hole of holes) {
    left = left.flatMap((span) => [
      { from: span.from, to: Math.min(span.to, hole.from) },
      { from: Math.max(span.from, hole.to), to: span.to },
    ]).filter((span) => span.to - span.from > 60_000);
  }
  return left;
}

function push(out: DayData, at: number, floor: number | null, load: number | null, energy: number | null): void {
  out.times.push(at);
  out.floor.push(floor);
  out.load.push(load);
  out.energy.push(energy);
}

/** Lengthens the last band up to `at`, or starts a new one when the mode changed or data was missing between. */
function band(bands: Band[], latest: Reading | null, broken: boolean, before: number, at: number, mode: number | null): void {
  const last = bands[bands.length - 1];
  if (last && latest && !broken) last.to = at;
  if (last && last.mode === mode && !broken) return;
  bands.push({ from: at, to: at, mode });
  if (last && broken) last.to = Math.max(last.to, before);
}

function closeBand(bands: Band[], to: number): void {
  const last = bands[bands.length - 1];
  if (last) last.to = to;
}
