// One alarm: what it is, whom to call, who did what and when, and the two things to do about it.
import { useEffect, useState } from "preact/hooks";
import { alarms, identity, needsAcknowledge, type Row } from "../alarms";
import { api, ApiError } from "../api";
import { useNow } from "../clock";
import { onFeed } from "../events";
import { alarmText, alarmWhere, fullTime, instant, spanText, telHref } from "../format";
import { nameOf, t, tOr, useLanguage } from "../i18n";
import { useKeys } from "../keys";
import { AckDialog, CommentDialog } from "../parts/ack";
import { Freshness } from "../parts/age";
import { PriorityMark, StateChip, Trapped } from "../parts/chips";
import { Empty, Failure, Loading } from "../parts/empty";
import { useLoad } from "../parts/load";
import { isPending, pending } from "../pending";
import { go, href } from "../router";
import { mayAcknowledge, mayComment, session } from "../session";
import { useStore } from "../store";
import { toast } from "../toast";
import type { AlarmDetail, Transition } from "../types";

export function AlarmPage({ id }: { id: number }) {
  useLanguage();
  const { value, error, reload } = useLoad(() => api.alarm(id), [id]);
  const { rows } = useStore(alarms);
  const waits = useStore(pending);
  const { user } = useStore(session);
  const [dialog, setDialog] = useState<"ack" | "comment" | null>(null);

  useEffect(() => {
    const stops = [
      onFeed("alarm", (message) => message.id === id && reload()),
      onFeed("alarms", reload),
      onFeed("opened", reload),
    ];
    return () => stops.forEach((stop) => stop());
  }, [id, reload]);

  const live = rows.find((row) => row.id === id);
  const row: Row | null = value ? { ...value, key: identity(value), provisional: false } : live ?? null;
  const waiting = row ? isPending(waits, row) : false;
  useEffect(() => {
    if (!waiting) reload();
  }, [waiting, live?.state]);
  const needs = row !== null && needsAcknowledge(row) && !waiting;

  useKeys([
    { keys: "a", label: "keys.a", run: () => (!mayAcknowledge(user) ? toast("bad", t("error.403")) : needs ? setDialog("ack") : toast("bad", t("ack.not"))) },
    { keys: "c", label: "keys.c", run: () => (!mayComment(user) ? toast("bad", t("error.403")) : row && setDialog("comment")) },
    { keys: "Escape", label: "keys.back", run: () => go("alarms") },
  ]);

  if (!row) {
    if (error instanceof ApiError && error.status === 404) {
      return <div class="page"><Empty title={t("alarm.gone")}><a class="button" href={href("alarms")}>{t("notfound.go")}</a></Empty></div>;
    }
    return <div class="page">{error ? <Failure error={error} retry={reload} /> : <Loading />}</div>;
  }
  return (
    <div class="page">
      {error !== null && <Failure error={error} retry={reload} />}
      <div class="page-head">
        <a href={href("alarms")}>← {t("nav.alarms")}</a>
        <h1 class="with-mark"><PriorityMark priority={row.priority} waiting={needs} /> {nameOf(row)} {row.state !== "cleared" && <Trapped row={row} />}</h1>
        <StateChip state={row.state} pending={waiting} />
        <span class="actions">
          {needs && mayAcknowledge(user) && <button type="button" class="primary" onClick={() => setDialog("ack")}>{t("ack.do")} <kbd>A</kbd></button>}
          {mayComment(user) && <button type="button" onClick={() => setDialog("comment")}>{t("comment.do")} <kbd>C</kbd></button>}
        </span>
      </div>
      <div class="columns">
        <section class="panel"><Facts alarm={row} /></section>
        <section class="panel">
          <h2>{t("alarm.transitions")}</h2>
          {value ? <Transitions alarm={value} /> : <Loading />}
        </section>
      </div>
      {dialog === "ack" && <AckDialog row={row} close={() => setDialog(null)} />}
      {dialog === "comment" && <CommentDialog row={row} close={() => { setDialog(null); reload(); }} />}
    </div>
  );
}

function Facts({ alarm }: { alarm: Row }) {
  const now = useNow(1);
  const from = instant(alarm.raised_at) ?? now;
  const to = instant(alarm.cleared_at);
  return (
    <dl class="facts">
      <dt>{t("alarm.lift")}</dt>
      <dd><a href={href(`lifts/${alarm.lift_id}`)}>{alarmWhere(alarm)}</a></dd>
      <dt>{t("alarms.col.condition")}</dt><dd>{alarmText(alarm) || nameOf(alarm)}</dd>
      <dt>{t("alarms.col.firm")}</dt>
      <dd>
        {alarm.firm ? nameOf(alarm.firm) : t("trapped.nofirm")}{" "}
        {alarm.firm?.phone && <a class="phone" href={telHref(alarm.firm.phone)}>{alarm.firm.phone}</a>}
      </dd>
      <dt>{t("alarm.raised")}</dt><dd>{fullTime(from)}</dd>
      <dt>{t("alarm.duration")}</dt><dd>{spanText((to ?? now) - from)}</dd>
      {to !== null && <><dt>{t("alarm.cleared")}</dt><dd>{fullTime(to)}</dd></>}
      {alarm.acknowledged_at && (
        <><dt>{t("alarm.acknowledged")}</dt><dd>{t("alarm.by", { who: alarm.acknowledged_by ?? "", when: fullTime(alarm.acknowledged_at) })}</dd></>
      )}
      <dt>{t("alarm.recorded")}</dt><dd>{fullTime(alarm.recorded_at)}</dd>
      <dt>{t("alarm.code")}</dt><dd>{alarm.code}</dd>
      {alarm.confidence !== null && <><dt>{t("alarm.confidence")}</dt><dd>{alarm.confidence} %</dd></>}
      <dt>{t("alarm.repeats")}</dt><dd>{alarm.repeats_24h === null ? t("unknown") : alarm.repeats_24h + 1}</dd>
      <dt>{t("alarms.col.fresh")}</dt><dd><Freshness at={alarm.last_reading_at} silent={alarm.silent} /></dd>
    </dl>
  );
}

function Transitions({ alarm }: { alarm: AlarmDetail }) {
  if (alarm.transitions.length === 0) return <p class="dim">{t("alarm.transition.none")}</p>;
  const step = (one: Transition) => one.to_state && one.from_state !== one.to_state ? ` → ${t(`state.${one.to_state}`)}` : "";
  return (
    <ol class="timeline">
      {alarm.transitions.map((one, i) => (
        <li key={i} class={`tl-${one.kind}`}>
          <time dateTime={one.at}>{fullTime(one.at)}</time>
          <span><b>{tOr(`kind.${one.kind}`, one.kind)}</b>{step(one)} <span class="dim">{one.by ?? "liftd"}</span>
            {one.comment && <q>{one.comment}</q>}</span>
        </li>
      ))}
    </ol>
  );
}
