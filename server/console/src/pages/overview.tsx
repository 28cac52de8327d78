// Every lift on one page: stages counted, then grid > compound > building tiles that stay grey while all is well.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { api } from "../api";
import { onFeed } from "../events";
import { placeText } from "../format";
import { nameOf, t, tOr, useLanguage } from "../i18n";
import { useKeys } from "../keys";
import { PriorityMark } from "../parts/chips";
import { Empty, Failure, Loading } from "../parts/empty";
import { useLoad, useThrottled } from "../parts/load";
import { href, setQuery, useRoute } from "../router";
import type { Overview, OverviewBuilding, OverviewCompound, OverviewGrid, OverviewLift, Stage } from "../types";

const ALWAYS: Stage[] = ["in_service", "under_construction", "to_start"];
const OTHERS: Stage[] = ["signed", "suspended", "scrapped"];

/** Needs a look: an open alarm, silence, or a service mode other than normal, of a lift that should be running. */
function abnormal(lift: OverviewLift): boolean {
  return lift.open_alarms > 0 || (lift.stage === "in_service" && (lift.silent || (lift.mode !== null && lift.mode !== 1)));
}

export function useOverview(area: string) {
  const loaded = useLoad(() => api.overview(area), [area]);
  const soon = useThrottled(loaded.reload, 2_000);
  const later = useThrottled(loaded.reload, 15_000);
  useEffect(() => {
    const stops = [onFeed("alarm", soon), onFeed("alarms", soon), onFeed("opened", soon), onFeed("lifts", later), onFeed("presence", later)];
    return () => stops.forEach((stop) => stop());
  }, []);
  return loaded;
}

export function OverviewPage() {
  const lang = useLanguage();
  const { query } = useRoute();
  const area = query.get("area") ?? "";
  const { value, error, reload } = useOverview(area);
  const words = query.get("q") ?? "";
  const stage = query.get("stage") ?? "";
  const only = query.get("abnormal") === "1";
  const search = useRef<HTMLInputElement>(null);
  useKeys([{ keys: "/", label: "keys.slash", run: () => search.current?.focus() }]);
  const grids = useMemo(() => filterGrids(value?.grids ?? [], words, stage, only), [value, words, stage, only, lang]);

  if (!value) return <div class="page">{error ? <Failure error={error} retry={reload} /> : <Loading />}</div>;
  const total = Object.values(value.stages).reduce((sum, n) => sum + n, 0);
  const filtered = words !== "" || stage !== "" || only;
  return (
    <div class="page overview">
      {error !== null && <Failure error={error} retry={reload} />}
      <h1 class="sr-only">{t("overview.title")}</h1>
      <Counts overview={value} total={total} />
      <div class="filters" role="search">
        <input ref={search} type="search" value={words} placeholder={t("overview.filter")} aria-label={t("overview.filter")}
          onInput={(event) => setQuery({ q: event.currentTarget.value || null })}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()} />
        <select aria-label={t("overview.filter.stage")} value={stage} onChange={(event) => setQuery({ stage: event.currentTarget.value || null })}>
          <option value="">{t("overview.filter.stage")}: {t("all")}</option>
          {[...ALWAYS, ...OTHERS].map((one) => <option key={one} value={one}>{t(`stage.${one}`)}</option>)}
        </select>
        <label class="check"><input type="checkbox" checked={only} onChange={(event) => setQuery({ abnormal: event.currentTarget.checked ? "1" : null })} />{t("overview.abnormal")}</label>
        {area && <button type="button" onClick={() => setQuery({ area: null })}>{t("overview.area.all")}</button>}
        <Legend />
      </div>
      {total === 0 && <Empty title={t("overview.empty")} next={t("overview.empty.next")} />}
      {value.truncated && <Areas />}
      {total > 0 && !value.truncated && grids.length === 0 && filtered && (
        <Empty title={only && !words && !stage ? t("overview.allnormal") : t("overview.nomatch")}>
          <button type="button" onClick={() => setQuery({ q: null, stage: null, abnormal: null })}>{t("overview.clear")}</button>
        </Empty>
      )}
      {grids.map((grid) => <Grid key={grid.id} grid={grid} />)}
    </div>
  );
}

/** "65 = 49 in service + 11 under construction + 5 to start", then what is not as it should be. */
function Counts({ overview, total }: { overview: Overview; total: number }) {
  const shown = [...ALWAYS, ...OTHERS.filter((one) => overview.stages[one] > 0)];
  return (
    <div class="counts">
      <p class="stages" aria-label={t("overview.stages")} data-test="stages">
        <a href={href("overview")}><b class="big">{total}</b> {t("overview.total")}</a>
        {shown.map((one, i) => (
          <>
            <span class="op">{i === 0 ? "=" : "+"}</span>
            <a key={one} href={href("overview", { stage: one })}><b class="big">{overview.stages[one]}</b> {t(`stage.${one}`)}</a>
          </>
        ))}
      </p>
      <p class="figures">
        <a href={href("alarms", { state: "waiting" })} class={overview.unacknowledged ? "hot" : ""}>{t("overview.unacknowledged")} <b>{overview.unacknowledged}</b></a>
        <span class="open-counts">
          {t("overview.open")}{" "}
          {([1, 2, 3, 4] as const).map((one) => {
            const n = overview.open_alarms[String(one)] ?? 0;
            return <a key={one} href={href("alarms", { p: String(one) })} class={n ? "" : "zero"}><PriorityMark priority={one} /> {n}</a>;
          })}
        </span>
        <a href={href("overview", { abnormal: "1" })} class={overview.silent_lifts ? "hot" : ""}>{t("overview.silent")} <b>{overview.silent_lifts}</b></a>
      </p>
    </div>
  );
}

/** A city does not fit on one page: its areas to choose from. */
function Areas() {
  const { value, error, reload } = useLoad(api.areas, []);
  return (
    <Empty title={t("overview.truncated")}>
      {error !== null && <Failure error={error} retry={reload} />}
      {value?.map((one) => <a key={one.id} class="button" href={href("overview", { area: one.code })}>{nameOf(one)}</a>)}
    </Empty>
  );
}

function Legend() {
  return (
    <details class="legend">
      <summary>{t("overview.legend")}</summary>
      <ul>
        <li><span class="tile"><span class="tile-code">01</span></span>{t("overview.normal")}</li>
        {([1, 2, 3, 4] as const).map((one) => <li key={one}><PriorityMark priority={one} />{t("priority.of", { word: t(`priority.${one}`) })}</li>)}
        <li><span class="mark silent-mark">{t("silent.letter")}</span>{t("silent.word")}</li>
        {([0, 2, 3, 5, 6] as const).map((one) => <li key={one}><span class="mark mode-mark">{t(`mode.letter.${one}`)}</span>{t(`mode.${one}`)}</li>)}
        {(["under_construction", "to_start"] as const).map((one) => <li key={one}><span class="mark stage-mark">{t(`stage.letter.${one}`)}</span>{t(`stage.${one}`)}</li>)}
      </ul>
    </details>
  );
}

function Grid({ grid }: { grid: OverviewGrid }) {
  const lifts = grid.compounds.flatMap((compound) => compound.buildings.flatMap((building) => building.lifts));
  const bad = lifts.filter(abnormal).length;
  return (
    <section class="grid" aria-label={nameOf(grid)}>
      <h2>{nameOf(grid)} <span class="dim">{t("overview.lifts.n", { n: lifts.length })}{bad > 0 && ` · ${t("overview.abnormal.n", { n: bad })}`}</span></h2>
      <div class="compounds">{grid.compounds.map((compound) => <Compound key={compound.id} compound={compound} />)}</div>
    </section>
  );
}

function Compound({ compound }: { compound: OverviewCompound }) {
  return (
    <section class="compound" aria-label={nameOf(compound)}>
      <h3>{nameOf(compound)}</h3>
      <div class="tiles">
        {compound.buildings.flatMap((building) => building.lifts.map((lift) => (
          <Tile key={lift.id} lift={lift} building={building} compound={compound} several={building.lifts.length > 1} />
        )))}
      </div>
    </section>
  );
}

/** The building as said inside its compound, so that a tile is short. */
function shortName(building: OverviewBuilding, compound: OverviewCompound): string {
  const whole = nameOf(building);
  const rest = whole.startsWith(nameOf(compound)) ? whole.slice(nameOf(compound).length).trim() : whole;
  return rest || whole;
}

function Tile({ lift, building, compound, several }: {
  lift: OverviewLift; building: OverviewBuilding; compound: OverviewCompound; several: boolean;
}) {
  const built = lift.stage === "in_service";
  const mode = built && lift.mode !== null && lift.mode !== 1 ? lift.mode : null;
  const words = [
    placeText(compound, building), lift.code, t(`stage.${lift.stage}`),
    lift.open_alarms > 0 ? t("overview.alarms.n", { n: lift.open_alarms }) : "",
    built && lift.silent ? t("silent.word") : "",
    mode !== null ? tOr(`mode.${mode}`, "") : "",
    built && !abnormal(lift) ? t("overview.normal") : "",
  ].filter(Boolean).join(" · ");
  const state = lift.worst_priority ? `bad p${lift.worst_priority}` : built && (lift.silent || mode !== null) ? "odd" : "";
  return (
    <a class={`tile ${built ? "" : "unbuilt"} ${state}`} href={href(`lifts/${lift.id}`)} title={words} aria-label={words} data-lift={lift.id}>
      <span class="tile-name">{shortName(building, compound)}</span>
      {several && <span class="tile-code">{lift.code.slice(-2)}</span>}
      <span class="tile-marks">
        {lift.worst_priority && <PriorityMark priority={lift.worst_priority} />}
        {lift.open_alarms > 1 && <span class="tile-n">{lift.open_alarms}</span>}
        {built && lift.silent && <span class="mark silent-mark">{t("silent.letter")}</span>}
        {mode !== null && <span class="mark mode-mark">{tOr(`mode.letter.${mode}`, "?")}</span>}
        {!built && <span class="mark stage-mark">{t(`stage.letter.${lift.stage}`)}</span>}
      </span>
    </a>
  );
}

function filterGrids(grids: OverviewGrid[], words: string, stage: string, only: boolean): OverviewGrid[] {
  const parts = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text: string) => parts.every((part) => text.includes(part));
  return grids.map((grid) => ({
    ...grid,
    compounds: grid.compounds.map((compound) => ({
      ...compound,
      buildings: compound.buildings.map((building) => ({
        ...building,
        lifts: building.lifts.filter((lift) =>
          (!stage || lift.stage === stage) && (!only || abnormal(lift)) &&
          (parts.length === 0 || fits([grid.name_zh, grid.name_en, compound.name_zh, compound.name_en, building.name_zh, building.name_en, lift.code].join(" ").toLowerCase()))),
      })).filter((building) => building.lifts.length > 0),
    })).filter((compound) => compound.buildings.length > 0),
  })).filter((grid) => grid.compounds.length > 0);
}
