// The wallboard: read-only and big, to be read across a room.
import { alarms, byUrgency, needsAcknowledge, trappedRows, type Row } from "../alarms";
import { useNow } from "../clock";
import { feed } from "../events";
import { alarmWhere, clockTime, dateText } from "../format";
import { nameOf, t, useLanguage } from "../i18n";
import { Age } from "../parts/age";
import { FeedBanner } from "../parts/banners";
import { PriorityMark, StateChip } from "../parts/chips";
import { SoundButton } from "../parts/topbar";
import { href } from "../router";
import { hasRole, session } from "../session";
import { useStore } from "../store";
import { useOverview } from "./overview";

const MOST = 11;

export function WallboardPage() {
  useLanguage();
  const { rows } = useStore(alarms);
  const dead = useStore(feed).phase === "dead";
  const { user } = useStore(session);
  const { value } = useOverview("");
  const open = [...rows].sort(byUrgency);
  const trapped = trappedRows(rows);
  const total = value ? Object.values(value.stages).reduce((sum, n) => sum + n, 0) : null;
  return (
    <main class={`wall${dead ? " dead" : ""}`} id="main">
      <header>
        <h1>{t("app.name")}</h1>
        {value && total !== null && (
          <p class="wall-stages">{total} = {value.stages.in_service} {t("stage.in_service")} + {value.stages.under_construction} {t("stage.under_construction")} + {value.stages.to_start} {t("stage.to_start")}</p>
        )}
        <WallClock />
      </header>
      <FeedBanner />
      <section class="wall-figures">
        <div class={`wall-people${trapped.length ? " hot" : ""}`} data-test="wall-trapped">
          <b>{dead && trapped.length === 0 ? "?" : trapped.length}</b><span>{trapped.length || dead ? t("wall.trapped") : t("wall.nobody")}</span>
        </div>
        <div><b>{rows.filter(needsAcknowledge).length}</b><span>{t("overview.unacknowledged")}</span></div>
        {([1, 2, 3, 4] as const).map((one) => (
          <div key={one}><b>{rows.filter((row) => row.priority === one).length}</b><span><PriorityMark priority={one} /> {t(`priority.${one}`)}</span></div>
        ))}
        <div><b>{value?.silent_lifts ?? "–"}</b><span>{t("overview.silent")}</span></div>
      </section>
      {open.length === 0
        ? <p class="wall-calm">{dead ? t("alarms.empty.dead") : t("wall.calm")}</p>
        : <ol class="wall-list">{open.slice(0, MOST).map((row) => <WallLine key={row.key} row={row} />)}</ol>}
      <footer>
        {open.length > MOST && <span>{t("wall.more", { n: open.length - MOST })}</span>}
        <SoundButton />
        {!hasRole(user, "wallboard") && <a href={href("alarms")}>{t("wall.leave")}</a>}
      </footer>
    </main>
  );
}

function WallLine({ row }: { row: Row }) {
  return (
    <li class={`pr${row.priority}${row.people_trapped ? " people" : ""}${needsAcknowledge(row) ? " needs" : ""}`}>
      <PriorityMark priority={row.priority} waiting={needsAcknowledge(row)} />
      <span class="wall-place">{alarmWhere(row)}</span>
      <span class="wall-what">{nameOf(row)}</span>
      <span class="num"><Age at={row.raised_at} count /></span>
      <StateChip state={row.state} provisional={row.provisional} />
    </li>
  );
}

function WallClock() {
  const now = useNow(1);
  const { phase } = useStore(feed);
  return (
    <p class="wall-clock">
      <span>{dateText(now)}</span> <b>{clockTime(now)}</b>
      <span class={`lamp lamp-${phase}`} data-test="feed" data-phase={phase}>{phase === "dead" ? t("feed.dead") : phase === "live" ? t("feed.live") : t("feed.opening")}</span>
    </p>
  );
}
