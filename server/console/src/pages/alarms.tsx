// The live alarm list: one flat dense table, worked from the keyboard, filters in the address.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { alarms, dismiss, filterRows, needsAcknowledge, type AlarmFilter, type Row } from "../alarms";
import { feed } from "../events";
import { alarmLift, alarmPlace, alarmRest, alarmWhere, telHref } from "../format";
import { nameOf, t, useLanguage } from "../i18n";
import { useKeys } from "../keys";
import { AckDialog, CommentDialog } from "../parts/ack";
import { Age, Freshness } from "../parts/age";
import { AlarmFilters, readFilter } from "../parts/alarmfilter";
import { PriorityMark, StateChip, Trapped } from "../parts/chips";
import { Empty, Failure, Loading } from "../parts/empty";
import { usePhone } from "../parts/media";
import { Windowed } from "../parts/window";
import { isPending, pending } from "../pending";
import { go, href, setQuery, useRoute } from "../router";
import { mayAcknowledge, mayComment, session } from "../session";
import { useStore } from "../store";
import { toast } from "../toast";

const ROW_PX = 36;
const CARD_PX = 132;
let remembered = "";

export function AlarmsPage() {
  const lang = useLanguage();
  const phone = usePhone();
  const { query } = useRoute();
  const { rows, loaded, error } = useStore(alarms);
  const filter = useMemo(() => readFilter(query), [query]);
  const shown = useMemo(() => filterRows(rows, filter), [rows, filter, lang]);
  const [selected, setSelected] = useState(remembered);
  const [dialog, setDialog] = useState<{ kind: "ack" | "comment"; row: Row } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  remembered = selected;

  const index = shown.findIndex((row) => row.key === selected);
  const current = index >= 0 ? shown[index] : undefined;
  const row_px = phone ? CARD_PX : ROW_PX;

  const move = (to: number) => {
    const row = shown[Math.max(0, Math.min(shown.length - 1, to))];
    if (!row) return;
    setSelected(row.key);
    reveal(scroller.current, shown.indexOf(row), row_px);
    if (document.activeElement !== scroller.current) scroller.current?.focus({ preventScroll: true });
  };
  const open = (row: Row | undefined) => row && row.id > 0 && go(`alarms/${row.id}`);
  const acknowledge = (row: Row | undefined) => {
    if (!row) toast("bad", t("ack.select"));
    else if (!mayAcknowledge(session.get().user)) toast("bad", t("error.403"));
    else if (!needsAcknowledge(row) || isPending(pending.get(), row)) toast("bad", t("ack.not"));
    else setDialog({ kind: "ack", row });
  };
  const comment = (row: Row | undefined) => {
    if (!row) toast("bad", t("ack.select"));
    else if (!mayComment(session.get().user)) toast("bad", t("error.403"));
    else if (row.id === 0) toast("bad", t("comment.not.recorded"));
    else setDialog({ kind: "comment", row });
  };

  useKeys([
    { keys: "j", label: "keys.j", run: () => move(index + 1) },
    { keys: "k", label: "keys.k", run: () => move(index < 0 ? 0 : index - 1) },
    { keys: "Home", label: "keys.first", run: () => move(0) },
    { keys: "End", label: "keys.last", run: () => move(shown.length - 1) },
    { keys: "Enter", label: "keys.enter", run: () => open(current) },
    { keys: "a", label: "keys.a", run: () => acknowledge(current) },
    { keys: "c", label: "keys.c", run: () => comment(current) },
    { keys: "/", label: "keys.slash", run: () => search.current?.focus() },
  ]);
  // Coming back from an alarm, its row is in sight again.
  useEffect(() => {
    if (index >= 0) reveal(scroller.current, index, row_px);
  }, []);

  return (
    <div class="alarms-page">
      <div class="alarms-head">
        <h1>{t("alarms.title")}</h1>
        <AlarmFilters filter={filter} search={search} shown={shown.length} all={rows.length} leave={() => scroller.current?.focus()} />
      </div>
      {error && <Failure error={error} />}
      <div ref={scroller} class="alarm-table" role="grid" aria-label={t("alarms.table")} tabIndex={0}
        aria-rowcount={shown.length + 1} aria-activedescendant={current ? rowId(current) : undefined}>
        {!phone && <Head />}
        {!loaded && rows.length === 0 && !error && <Loading />}
        {loaded && shown.length === 0 && <Nothing filter={filter} all={rows.length} />}
        <Windowed rows={shown} keyOf={(row) => row.key} row_px={row_px} scroller={scroller}
          render={(row, i) => (
            <Line key={row.key} row={row} number={i} phone={phone} selected={row.key === selected}
              select={() => setSelected(row.key)} acknowledge={() => acknowledge(row)} />
          )} />
      </div>
      <p class="keyhint" aria-hidden="true">{t("alarms.keys")}</p>
      {dialog?.kind === "ack" && <AckDialog row={dialog.row} close={() => setDialog(null)} />}
      {dialog?.kind === "comment" && <CommentDialog row={dialog.row} close={() => setDialog(null)} />}
    </div>
  );
}

function rowId(row: Row): string {
  return `row-${row.key.replace(/\//g, "-")}`;
}

/** Scrolls as little as needed for row `index` to be whole in sight, under the head. */
function reveal(box: HTMLElement | null, index: number, row_px: number): void {
  if (!box) return;
  const head = box.querySelector<HTMLElement>(".alarm-header")?.offsetHeight ?? 0;
  const top = index * row_px;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + row_px + head > box.scrollTop + box.clientHeight) box.scrollTop = top + row_px + head - box.clientHeight;
}

function Head() {
  return (
    <div class="alarm-header alarm-row" role="row">
      <span role="columnheader">{t("alarms.col.priority")}</span>
      <span role="columnheader">{t("alarms.col.state")}</span>
      <span role="columnheader">{t("alarms.col.place")}</span>
      <span role="columnheader">{t("alarms.col.trapped")}</span>
      <span role="columnheader">{t("alarms.col.condition")}</span>
      <span role="columnheader">{t("alarms.col.age")}</span>
      <span role="columnheader" class="c-firm">{t("alarms.col.firm")}</span>
      <span role="columnheader" class="c-by">{t("alarms.col.acknowledged")}</span>
      <span role="columnheader" class="c-repeats">{t("alarms.col.repeats")}</span>
      <span role="columnheader" class="c-fresh">{t("alarms.col.fresh")}</span>
      <span role="columnheader" class="c-do"><span class="sr-only">{t("ack.do")}</span></span>
    </div>
  );
}

function Line({ row, number, phone, selected, select, acknowledge }: {
  row: Row; number: number; phone: boolean; selected: boolean; select: () => void; acknowledge: () => void;
}) {
  const waits = isPending(useStore(pending), row);
  const needs = needsAcknowledge(row) && !waits;
  const text = alarmRest(row);
  const place = alarmWhere(row);
  const cells = { row, waits, needs, text, place, acknowledge };
  return (
    <div id={rowId(row)} role="row" aria-rowindex={number + 2} aria-selected={selected} data-alarm={row.id} data-state={row.state}
      class={`alarm-row ${phone ? "card" : "line"} pr${row.priority}${selected ? " selected" : ""}${needs ? " needs" : ""}${row.people_trapped ? " people" : ""}`}
      onClick={select} onDblClick={() => row.id > 0 && go(`alarms/${row.id}`)}>
      {phone ? <Card {...cells} /> : <Cells {...cells} />}
    </div>
  );
}

interface CellProps {
  row: Row; waits: boolean; needs: boolean; text: string; place: string; acknowledge: () => void;
}

function Cells({ row, waits, needs, text, place, acknowledge }: CellProps) {
  return (
    <>
      <span role="gridcell"><PriorityMark priority={row.priority} waiting={needs} /></span>
      <span role="gridcell"><StateChip state={row.state} provisional={row.provisional} pending={waits} /></span>
      <span role="gridcell" class="c-place" title={place}>
        <Where row={row} focusable={false} />
      </span>
      <span role="gridcell"><Trapped row={row} /></span>
      <span role="gridcell" class="c-what" title={`${nameOf(row)} ${text}`}><b>{nameOf(row)}</b> <span class="c-text">{text}</span></span>
      <span role="gridcell" class="num"><Age at={row.raised_at} count /></span>
      <span role="gridcell" class="c-firm" title={row.firm ? `${nameOf(row.firm)} ${row.firm.phone ?? ""}` : ""}><Firm row={row} /></span>
      <span role="gridcell" class="c-by" title={row.acknowledged_by ?? ""}>{row.acknowledged_by ?? ""}</span>
      <span role="gridcell" class="num c-repeats">{row.repeats_24h ? `×${row.repeats_24h + 1}` : ""}</span>
      <span role="gridcell" class="c-fresh">{row.provisional ? "" : <Freshness at={row.last_reading_at} silent={row.silent} />}</span>
      <span role="gridcell" class="c-do"><Do row={row} needs={needs} acknowledge={acknowledge} /></span>
    </>
  );
}

function Card({ row, waits, needs, text, acknowledge }: CellProps) {
  return (
    <>
      <span role="gridcell" class="k-prio"><PriorityMark priority={row.priority} waiting={needs} /></span>
      <span role="gridcell" class="k-place"><Where row={row} focusable={true} /></span>
      <span role="gridcell" class="k-age num"><Age at={row.raised_at} count /></span>
      <span role="gridcell" class="k-what"><Trapped row={row} /> <b>{nameOf(row)}</b> {text}</span>
      <span role="gridcell" class="k-state">
        <StateChip state={row.state} provisional={row.provisional} pending={waits} />
        {row.acknowledged_by && <span class="dim"> {row.acknowledged_by}</span>}
        {row.repeats_24h ? <span class="dim"> ×{row.repeats_24h + 1}</span> : null}
        {row.silent && <> <Freshness at={row.last_reading_at} silent={true} /></>}
      </span>
      <span role="gridcell" class="k-firm"><Firm row={row} /></span>
      <span role="gridcell" class="k-do"><Do row={row} needs={needs} acknowledge={acknowledge} /></span>
    </>
  );
}

/** Where it is; when room is short the compound is cut, never the lift. */
function Where({ row, focusable }: { row: Row; focusable: boolean }) {
  const words = <><span class="where-place">{alarmPlace(row)}</span><span>{alarmLift(row)}</span></>;
  if (row.id === 0) return <span class="where">{words}</span>;
  return <a class="where" tabIndex={focusable ? 0 : -1} href={href(`alarms/${row.id}`)}>{words}</a>;
}

function Firm({ row }: { row: Row }) {
  if (!row.firm) return <span class="dim">{row.provisional ? "" : t("trapped.nofirm")}</span>;
  return (
    <>
      <span class="firm-name">{nameOf(row.firm)}</span>{" "}
      {row.firm.phone && <a tabIndex={-1} class="phone" href={telHref(row.firm.phone)} aria-label={t("trapped.call", { name: nameOf(row.firm) })}>{row.firm.phone}</a>}
    </>
  );
}

function Do({ row, needs, acknowledge }: { row: Row; needs: boolean; acknowledge: () => void }) {
  const recording = useStore(feed).status.recording;
  const { user } = useStore(session);
  const act = (action: () => void) => (event: Event) => {
    event.stopPropagation();
    action();
  };
  return (
    <>
      {row.provisional && recording && (
        <button type="button" class="plain" title={t("alarms.dismiss.title")} onClick={act(() => dismiss(row.key))}>{t("alarms.dismiss")}</button>
      )}
      {needs && mayAcknowledge(user) && <button type="button" tabIndex={-1} class="small" onClick={act(acknowledge)}>{t("ack.do")}</button>}
    </>
  );
}

function Nothing({ filter, all }: { filter: AlarmFilter; all: number }) {
  const dead = useStore(feed).phase === "dead";
  if (all > 0 && (filter.words || filter.priorities.size || filter.state)) {
    return (
      <Empty title={t("alarms.nomatch", { all })}>
        <button type="button" onClick={() => setQuery({ q: null, p: null, state: null })}>{t("overview.clear")}</button>
      </Empty>
    );
  }
  if (dead) return <Empty title={t("alarms.empty.dead")} next={t("alarms.empty.dead.next")} />;
  return (
    <Empty title={t("alarms.empty")} next={t("alarms.empty.next")}>
      <a class="button" href={href("history")}>{t("alarms.empty.history")}</a>
    </Empty>
  );
}
