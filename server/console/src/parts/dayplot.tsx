// A lift's last day as four plots over one time axis: mode band, floor, load, energy; silence and missing data are
// hatched, never bridged.
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { hourMinute, numberText, spanText } from "../format";
import { t, tOr, useLanguage } from "../i18n";
import type { Readings } from "../types";
import { dayData, type DayData, type Span } from "./daydata";

interface Props {
  readings: Readings;
  from: number;
  to: number;
  points: number;
  rated_load_kg: number | null;
}
interface Colours {
  ink: string;
  grid: string;
  line: string;
  fill: string;
  hatch: string;
  band: string;
  odd: string;
  text: string;
}

function colours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    ink: of("--ink-soft"), grid: of("--plot-grid"), line: of("--plot-line"), fill: of("--plot-fill"), hatch: of("--plot-hatch"),
    band: of("--plot-band"), odd: of("--plot-odd"), text: of("--plot-odd-text"),
  };
}

export function DayPlot({ readings, from, to, points, rated_load_kg }: Props) {
  const lang = useLanguage();
  const box = useRef<HTMLDivElement>(null);
  const data = useMemo(() => dayData(readings, from, to, points), [readings, from, to]);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const plots = draw(host, data, from, to, rated_load_kg);
    const watcher = new ResizeObserver(() => {
      for (const plot of plots) {
        if (Math.abs(plot.width - host.clientWidth) > 1) plot.setSize({ width: host.clientWidth, height: plot.height });
      }
    });
    watcher.observe(host);
    return () => {
      watcher.disconnect();
      for (const plot of plots) plot.destroy();
    };
  }, [data, lang, rated_load_kg]);
  const silent = data.silences.reduce((sum, one) => sum + one.to - one.from, 0);
  const summary = t("lift.day.summary", {
    kwh: numberText(data.used_kwh, "", 1), silent: data.silences.length, silentAge: spanText(silent), gaps: data.gaps.length,
  });
  return (
    <>
      <div ref={box} class="dayplot" role="img" aria-label={`${t("lift.day")}: ${summary}`} />
      <p class="dim plot-summary">{summary} {readings.thinned && t("lift.day.thinned")}</p>
    </>
  );
}

function draw(host: HTMLElement, data: DayData, from: number, to: number, rated: number | null): uPlot[] {
  const width = Math.max(200, host.clientWidth);
  const c = colours();
  const sync = uPlot.sync("liftd-day");
  const base = (label: string, height: number, last: boolean, words = false): uPlot.Options => ({
    width, height, padding: [8, 10, 0, 0], legend: { show: false }, select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    cursor: { sync: { key: sync.key }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: false, range: [from / 1000, to / 1000] } },
    axes: [
      {
        show: true, stroke: c.ink, size: last ? 26 : 4, grid: { stroke: c.grid, width: 1 }, ticks: { show: false },
        font: "11px system-ui", splits: () => hours(from, to, width), values: (_, at) => (last ? at.map((s) => hourMinute(s * 1000)) : at.map(() => "")),
      },
      { stroke: c.ink, size: 44, grid: { stroke: c.grid, width: 1 }, ticks: { show: false }, font: "11px system-ui", gap: 4 },
    ],
    series: [{}, { label, stroke: c.line, width: 1.5, points: { show: false }, spanGaps: false }],
    hooks: { drawClear: [(plot) => hatch(plot, data, c, words)], setCursor: [(plot) => readOut(plot)] },
  });
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const floors = base(t("lift.plot.floor"), 130, false, true);
  floors.series[1] = { ...floors.series[1], paths: stepped };
  floors.axes![1] = { ...floors.axes![1], incrs: [1, 2, 5, 10] };
  const loads = base(t("lift.plot.load"), 100, false);
  loads.series[1] = { ...loads.series[1], paths: stepped, fill: c.fill };
  loads.scales!.y = { range: (_, __, max) => [0, Math.max(rated ?? 0, max, 1)] };
  const energies = base(t("lift.plot.energy"), 110, true);
  energies.scales!.y = { range: (_, __, max) => [0, Math.max(max, 0.1) * 1.05] };

  host.replaceChildren();
  return [
    add(host, t("lift.plot.mode"), modes(base(t("lift.plot.mode"), 34, false), data, c), [data.times, data.times.map(() => null)]),
    add(host, t("lift.plot.floor"), floors, [data.times, data.floor]),
    add(host, t("lift.plot.load"), loads, [data.times, data.load]),
    add(host, t("lift.plot.energy"), energies, [data.times, data.energy]),
  ];
}

function add(host: HTMLElement, title: string, options: uPlot.Options, data: uPlot.AlignedData): uPlot {
  const figure = document.createElement("div");
  figure.className = "plot";
  const caption = document.createElement("div");
  caption.className = "plot-title";
  const name = document.createElement("span");
  name.textContent = title;
  const value = document.createElement("span");
  value.className = "plot-value";
  caption.append(name, value);
  figure.append(caption);
  host.append(figure);
  return new uPlot(options, data, figure);
}

/** Writes time and value under the cursor beside the plot's title. */
function readOut(plot: uPlot): void {
  const out = plot.root.parentElement?.querySelector(".plot-value");
  if (!out) return;
  const i = plot.cursor.idx;
  const at = i === null || i === undefined ? undefined : plot.data[0][i];
  const value = i === null || i === undefined ? undefined : plot.data[1]?.[i];
  const left = plot.cursor.left ?? -1;
  out.textContent = left < 0 || at === undefined || value === null || value === undefined ? ""
    : `${hourMinute(at * 1000)}  ${Number.isInteger(value) ? value : value.toFixed(2)}`;
}

/** Whole hours of Shanghai (which keeps a whole-hour offset), as many as fit. */
function hours(from: number, to: number, width: number): number[] {
  const step = (width < 480 ? 6 : width < 800 ? 3 : 2) * 3_600_000;
  const shift = 8 * 3_600_000;
  const out: number[] = [];
  for (let at = Math.ceil((from + shift) / step) * step - shift; at <= to; at += step) out.push(at / 1000);
  return out;
}

/** The mode plot has no line: it is bands with their letter. */
function modes(options: uPlot.Options, data: DayData, c: Colours): uPlot.Options {
  options.axes![1] = { ...options.axes![1], values: (_, at) => at.map(() => ""), grid: { show: false } };
  options.scales!.y = { range: () => [0, 1] };
  options.padding = [2, 10, 0, 0];
  options.hooks!.draw = [(plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.font = `${11 * devicePixelRatio}px system-ui`;
    for (const band of data.bands) {
      const x = plot.valToPos(band.from / 1000, "x", true);
      const w = Math.max(1, plot.valToPos(band.to / 1000, "x", true) - x);
      const normal = band.mode === 1;
      ctx.fillStyle = normal ? c.band : c.odd;
      ctx.fillRect(x, bbox.top, w, bbox.height);
      const word = band.mode === null ? "?" : tOr(`mode.${band.mode}`, "?");
      const letter = band.mode === null ? "?" : tOr(`mode.letter.${band.mode}`, "");
      const text = ctx.measureText(word).width + 8 < w ? word : letter;
      if (text && ctx.measureText(text).width + 2 < w) {
        ctx.fillStyle = normal ? c.ink : c.text;
        ctx.fillText(text, x + 4, bbox.top + bbox.height / 2);
      }
    }
    ctx.restore();
  }];
  return options;
}

/** Hatches silence (one way) and missing data (the other way) behind the lines. */
function hatch(plot: uPlot, data: DayData, c: Colours, words: boolean): void {
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = c.hatch;
  ctx.lineWidth = devicePixelRatio;
  for (const one of data.silences) hatchSpan(plot, one, 1, words ? t("lift.plot.silence") : "", c);
  for (const one of data.gaps) hatchSpan(plot, one, -1, words ? t("lift.plot.gap") : "", c);
  ctx.restore();
}

function hatchSpan(plot: uPlot, span: Span, way: 1 | -1, word: string, c: Colours): void {
  const { ctx, bbox } = plot;
  const left = Math.max(bbox.left, plot.valToPos(span.from / 1000, "x", true));
  const right = Math.min(bbox.left + bbox.width, plot.valToPos(span.to / 1000, "x", true));
  if (right <= left) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, right - left, bbox.height);
  ctx.clip();
  ctx.beginPath();
  const step = 7 * devicePixelRatio;
  for (let x = left - bbox.height; x < right + bbox.height; x += step) {
    ctx.moveTo(x, way > 0 ? bbox.top + bbox.height : bbox.top);
    ctx.lineTo(x + bbox.height, way > 0 ? bbox.top : bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.font = `${11 * devicePixelRatio}px system-ui`;
  ctx.fillStyle = c.ink;
  const text = ctx.measureText(word).width;
  if (word && text + 8 < right - left) {
    ctx.clearRect((left + right - text) / 2 - 3, bbox.top + 3, text + 6, 15 * devicePixelRatio);
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    ctx.fillText(word, (left + right - text) / 2, bbox.top + 5);
  }
  ctx.restore();
}
