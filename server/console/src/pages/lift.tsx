// One lift: what it does now, its last day, its alarms, whom to call, its terminal and data sheet.
import { useEffect } from "preact/hooks";
import { api, ApiError } from "../api";
import { serverNow } from "../clock";
import { onFeed } from "../events";
import { codeText, numberText, placeText, telHref, yesNo, fullTime } from "../format";
import { nameOf, t, tOr, useLanguage } from "../i18n";
import { useKeys } from "../keys";
import { Age, Freshness } from "../parts/age";
import { AlarmTable } from "../parts/alarmtable";
import { ModeText, PriorityMark, StageText } from "../parts/chips";
import { DayPlot } from "../parts/dayplot";
import { Empty, Failure, Loading } from "../parts/empty";
import { useLoad, useThrottled } from "../parts/load";
import { usePhone } from "../parts/media";
import { go, href } from "../router";
import type { Lift, LiftNow } from "../types";

const DAY_MS = 86_400_000;

export function LiftPage({ id }: { id: number }) {
  useLanguage();
  const { value: lift, error, reload } = useLoad(() => api.lift(id), [id]);
  const soon = useThrottled(reload, 3_000);
  useEffect(() => {
    const mine = (message: { lift_id: number }) => message.lift_id === id && soon();
    const stops = [onFeed("lifts", soon), onFeed("alarm", mine), onFeed("alarms", soon), onFeed("opened", soon), onFeed("presence", soon)];
    return () => stops.forEach((stop) => stop());
  }, [id]);
  useKeys([{ keys: "Escape", label: "keys.back", run: () => go("lifts") }]);

  if (!lift) {
    if (error instanceof ApiError && error.status === 404) {
      return <div class="page"><Empty title={t("lift.gone")}><a class="button" href={href("lifts")}>{t("lifts.title")}</a></Empty></div>;
    }
    return <div class="page">{error ? <Failure error={error} retry={reload} /> : <Loading />}</div>;
  }
  return (
    <div class="page lift-page">
      {error !== null && <Failure error={error} retry={reload} />}
      <div class="page-head">
        <a href={href("lifts")}>← {t("nav.lifts")}</a>
        <h1>{placeText(lift.compound, lift.building)} <span class="dim">{lift.code}</span></h1>
        <StageText stage={lift.stage} />
        {lift.worst_priority && <span class="with-mark"><PriorityMark priority={lift.worst_priority} /> {t("overview.alarms.n", { n: lift.open_alarms })}</span>}
        <Freshness at={lift.last_at} silent={lift.silent} />
      </div>
      <div class="lift-columns">
        <div class="side">
          <section class="panel now"><h2>{t("lift.now")}</h2><Now lift={lift} /></section>
          <section class="panel"><h2>{t("lift.parties")}</h2><Parties lift={lift} /></section>
          <section class="panel later"><h2>{t("lift.device")}</h2><Device lift={lift} /></section>
          <section class="panel later"><h2>{t("lift.data")}</h2><Sheet lift={lift} /></section>
        </div>
        <div class="middle">
          <section class="panel day"><Day lift={lift} /></section>
          <section class="panel"><h2>{t("lift.alarms")}</h2>
            {lift.alarms.length > 0 ? <AlarmTable alarms={lift.alarms} /> : <Empty title={t("lift.alarms.empty")} next={t("history.empty.next")} />}
          </section>
        </div>
      </div>
    </div>
  );
}

function Now({ lift }: { lift: Lift }) {
  const now = lift.now;
  if (!now || now.ts === null) {
    const why = lift.stage !== "in_service" ? t("lift.nodata.stage", { stage: t(`stage.${lift.stage}`) })
      : lift.device ? undefined : t("lift.nodata.device");
    return <Empty title={t("lift.nodata")} next={why} />;
  }
  return (
    <>
      <div class={`car${lift.silent ? " stale" : ""}`}>
        <span class="car-floor" aria-label={t("lift.floor")}>{now.floor ?? "?"}<span class="car-arrow" aria-hidden="true">{now.motion === 1 ? "↑" : now.motion === 2 ? "↓" : ""}</span></span>
        <span class="car-words">
          <ModeText mode={now.mode} /><br />{now.motion === null ? t("unknown") : tOr(`motion.${now.motion}`, "")}
          {now.occupied && <><br /><b>{t("lift.occupied")}</b></>}
        </span>
      </div>
      <NowFacts now={now} rear={lift.rear_door === true} />
    </>
  );
}

function NowFacts({ now, rear }: { now: LiftNow; rear: boolean }) {
  const door = (closed: boolean | null) => (closed === null ? t("unknown") : closed ? t("lift.door.closed") : t("lift.door.open"));
  const scaled = (value: number | null, by: number) => (value === null ? null : value / by);
  return (
    <dl class="facts dense">
      <dt>{t("lift.door.front")}</dt><dd>{door(now.front_door_closed)}</dd>
      {rear && <><dt>{t("lift.door.rear")}</dt><dd>{door(now.rear_door_closed)}</dd></>}
      <dt>{t("lift.zone")}</dt><dd>{yesNo(now.in_door_zone)}</dd>
      <dt>{t("lift.occupied")}</dt><dd>{yesNo(now.occupied)}</dd>
      <dt>{t("lift.battery")}</dt><dd class={now.on_battery ? "abnormal" : ""}>{yesNo(now.on_battery)}</dd>
      <dt>{t("lift.codes")}</dt><dd class={now.codes?.length ? "abnormal" : ""}>{now.codes?.length ? now.codes.map((code) => `${code} ${codeText(code)}`).join(t("list.join")) : t("none")}</dd>
      <dt>{t("lift.load")}</dt><dd>{numberText(now.load_kg, "kg")}</dd>
      <dt>{t("lift.speed")}</dt><dd>{numberText(scaled(now.speed_mm_s, 1000), "m/s", 2)}</dd>
      <dt>{t("lift.trips")}</dt><dd>{numberText(now.trips)}</dd>
      <dt>{t("lift.cycles")}</dt><dd>{numberText(now.door_cycles)}</dd>
      <dt>{t("lift.runtime")}</dt><dd>{now.run_time_s === null ? t("unknown") : t("lift.hours", { n: numberText(now.run_time_s / 3600) })}</dd>
      <dt>{t("lift.energy")}</dt><dd>{numberText(scaled(now.energy_wh, 1000), "kWh", 1)}</dd>
      <dt>{t("lift.vibration")}</dt><dd>{numberText(now.vibration_mm_s2, "mm/s²")}</dd>
      <dt>{t("lift.temperature")}</dt><dd>{numberText(scaled(now.temperature_deci_c, 10), "°C", 1)}</dd>
      <dt>{t("lift.received")}</dt><dd>{fullTime(now.ts)}</dd>
    </dl>
  );
}

function Day({ lift }: { lift: Lift }) {
  const points = usePhone() ? 1500 : 3000;
  const { value, error, reload } = useLoad(async () => {
    const to = serverNow();
    const from = to - DAY_MS;
    return { from, to, points, readings: await api.readings(lift.id, new Date(from), new Date(to), points) };
  }, [lift.id]);
  const later = useThrottled(reload, 120_000);
  useEffect(() => {
    const stops = [onFeed("lifts", later), onFeed("opened", later)];
    return () => stops.forEach((stop) => stop());
  }, []);
  return (
    <>
      <h2>{t("lift.day")}</h2>
      {error !== null && <Failure error={error} retry={reload} />}
      {!value && !error && <Loading />}
      {value && value.readings.items.length === 0 && <Empty title={t("lift.day.empty")} next={lift.stage === "in_service" ? t("lift.day.empty.next") : undefined} />}
      {value && value.readings.items.length > 0 && <DayPlot {...value} rated_load_kg={lift.rated_load_kg} />}
    </>
  );
}

/** Whom to call first stands first. */
const CALL_ORDER = ["maintenance_firm", "use_manager", "station", "inspection_body", "insurer", "bank"];

function Parties({ lift }: { lift: Lift }) {
  if (lift.parties.length === 0) return <Empty title={t("lift.parties.empty")} />;
  return (
    <ul class="parties">
      {[...lift.parties].sort((a, b) => CALL_ORDER.indexOf(a.role) - CALL_ORDER.indexOf(b.role)).map((party, i) => (
        <li key={i}>
          <span class="dim">{tOr(`party.${party.role}`, party.role)}</span>
          <span>{nameOf(party)}</span>
          {party.phone && <a class="phone" href={telHref(party.phone)} aria-label={t("trapped.call", { name: nameOf(party) })}>{party.phone}</a>}
        </li>
      ))}
    </ul>
  );
}

function Device({ lift }: { lift: Lift }) {
  const device = lift.device;
  if (!device) return <Empty title={t("lift.device.none")} next={lift.stage === "in_service" ? t("lift.nodata.device") : undefined} />;
  return (
    <dl class="facts dense">
      <dt>{t("lift.device.id")}</dt><dd>{device.device}</dd>
      <dt>{t("lift.device.unit")}</dt><dd>{device.unit}</dd>
      <dt>{t("lift.device.epoch")}</dt><dd>{device.epoch}</dd>
      <dt>{t("alarms.state")}</dt>
      <dd class={device.online === false ? "abnormal" : ""}>
        {device.online === null ? t("unknown") : device.online ? t("lift.device.online") : t("lift.device.offline")}
        {device.changed_at && <> <span class="dim">(<Age at={device.changed_at} ago />)</span></>}
      </dd>
      <dt>{t("lift.gaps")}</dt><dd>{t("lift.gaps.n", { n: lift.gaps_open })}</dd>
    </dl>
  );
}

function Sheet({ lift }: { lift: Lift }) {
  return (
    <dl class="facts dense">
      <dt>{t("lift.maker")}</dt><dd>{lift.maker ?? t("unknown")}</dd>
      <dt>{t("lift.model")}</dt><dd>{lift.model ?? t("unknown")}</dd>
      <dt>{t("lift.floors")}</dt><dd>{numberText(lift.floors)}</dd>
      <dt>{t("lift.rear")}</dt><dd>{yesNo(lift.rear_door)}</dd>
      <dt>{t("lift.rated.load")}</dt><dd>{numberText(lift.rated_load_kg, "kg")}</dd>
      <dt>{t("lift.rated.speed")}</dt><dd>{numberText(lift.rated_speed_mm_s === null ? null : lift.rated_speed_mm_s / 1000, "m/s", 2)}</dd>
      <dt>{t("lift.since")}</dt><dd>{lift.in_service_on ?? t("none")}</dd>
      {lift.registration && <><dt>{t("lift.registration")}</dt><dd>{lift.registration}</dd></>}
      {lift.last_inspection_on && <><dt>{t("lift.inspected")}</dt><dd>{lift.last_inspection_on}</dd></>}
    </dl>
  );
}
