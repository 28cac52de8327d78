// All lifts as a list, found by code, building or compound.
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { onFeed } from "../events";
import { placeText } from "../format";
import { t, useLanguage } from "../i18n";
import { useKeys } from "../keys";
import { Freshness } from "../parts/age";
import { ModeText, PriorityMark, StageText } from "../parts/chips";
import { Empty, Failure, Loading } from "../parts/empty";
import { useLoad, useThrottled } from "../parts/load";
import { go, href, setQuery, useRoute } from "../router";
import type { LiftRow, Stage } from "../types";

const STAGES: Stage[] = ["in_service", "under_construction", "to_start", "signed", "suspended", "scrapped"];

export function LiftsPage() {
  useLanguage();
  const { query } = useRoute();
  const q = query.get("q") ?? "";
  const stage = query.get("stage") ?? "";
  const [asked, setAsked] = useState(q);
  const [most, setMost] = useState(200);
  const [selected, setSelected] = useState(-1);
  const search = useRef<HTMLInputElement>(null);
  const table = useRef<HTMLTableElement>(null);
  // Wait until typing pauses before asking the server.
  useEffect(() => {
    const timer = setTimeout(() => setAsked(q), 200);
    return () => clearTimeout(timer);
  }, [q]);
  const { value, error, reload } = useLoad(() => readLifts(asked, stage, most), [asked, stage, most]);
  const again = useThrottled(reload, 10_000);
  useEffect(() => {
    const stops = [onFeed("lifts", again), onFeed("alarm", again), onFeed("alarms", again), onFeed("opened", again)];
    return () => stops.forEach((stop) => stop());
  }, []);
  const last = useRef<LiftRow[]>([]);
  if (value) last.current = value.items;
  const items = value?.items ?? last.current;

  const move = (to: number) => {
    const next = Math.max(0, Math.min(items.length - 1, to));
    setSelected(next);
    table.current?.querySelectorAll<HTMLElement>("tbody tr")[next]?.scrollIntoView({ block: "nearest" });
  };
  useKeys([
    { keys: "j", label: "keys.j", run: () => move(selected + 1) },
    { keys: "k", label: "keys.k", run: () => move(selected - 1) },
    { keys: "Enter", label: "keys.enter", run: () => items[selected] && go(`lifts/${items[selected].id}`) },
    { keys: "/", label: "keys.slash", run: () => search.current?.focus() },
  ]);

  return (
    <div class="page">
      <div class="page-head">
        <h1>{t("lifts.title")}</h1>
        <div class="filters" role="search">
          <input ref={search} type="search" value={q} placeholder={t("lifts.filter")} aria-label={t("lifts.filter")}
            onInput={(event) => { setSelected(-1); setQuery({ q: event.currentTarget.value || null }); }}
            onKeyDown={(event) => {
              if (!event.isComposing && (event.key === "Escape" || event.key === "Enter")) event.currentTarget.blur();
            }} />
          <select aria-label={t("overview.filter.stage")} value={stage} onChange={(event) => setQuery({ stage: event.currentTarget.value || null })}>
            <option value="">{t("overview.filter.stage")}: {t("all")}</option>
            {STAGES.map((one) => <option key={one} value={one}>{t(`stage.${one}`)}</option>)}
          </select>
          <span class="counted">{value ? t("overview.lifts.n", { n: value.next ? `${items.length}+` : items.length }) : ""}</span>
        </div>
      </div>
      {error !== null && <Failure error={error} retry={reload} />}
      {!value && !error && items.length === 0 && <Loading />}
      {items.length > 0 && <LiftTable items={items} selected={selected} table={table} />}
      {value && items.length === 0 && (
        <Empty title={t("lifts.empty")} next={t("lifts.empty.next")}>
          {(q || stage) && <button type="button" onClick={() => setQuery({ q: null, stage: null })}>{t("overview.clear")}</button>}
        </Empty>
      )}
      {value?.next && <p class="more"><button type="button" onClick={() => setMost(most + 200)}>{t("more")}</button></p>}
    </div>
  );
}

async function readLifts(q: string, stage: string, most: number): Promise<{ items: LiftRow[]; next: string | null }> {
  const items: LiftRow[] = [];
  let after: string | null = null;
  do {
    const page: { items: LiftRow[]; next: string | null } = await api.lifts({ q, stage, after, limit: 200 });
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < most);
  return { items, next: after };
}

function LiftTable({ items, selected, table }: { items: LiftRow[]; selected: number; table: RefObject<HTMLTableElement | null> }) {
  return (
    <table class="list cards lifts" ref={table}>
      <thead>
        <tr>
          <th>{t("lifts.col.code")}</th><th>{t("lifts.col.place")}</th><th>{t("lifts.col.alarms")}</th><th>{t("lifts.col.stage")}</th>
          <th>{t("lifts.col.mode")}</th><th>{t("lifts.col.floor")}</th><th>{t("lifts.col.fresh")}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((lift, i) => (
          <tr key={lift.id} class={i === selected ? "selected" : ""}>
            <td class="tight"><a href={href(`lifts/${lift.id}`)}>{lift.code}</a></td>
            <td class="grow">{placeText(lift.compound, lift.building)}</td>
            <td class="tight">{lift.worst_priority && <span class="with-mark"><PriorityMark priority={lift.worst_priority} /> {lift.open_alarms}</span>}</td>
            <td><StageText stage={lift.stage} /></td>
            <td>{lift.mode === null ? "" : <ModeText mode={lift.mode} />}</td>
            <td class="num" data-label={lift.floor === null ? undefined : t("lifts.col.floor")}>{lift.floor ?? ""}{lift.motion === 1 ? " ↑" : lift.motion === 2 ? " ↓" : ""}</td>
            <td>{lift.last_at ? <Freshness at={lift.last_at} silent={lift.silent} /> : ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
