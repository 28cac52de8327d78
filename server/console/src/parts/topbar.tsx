// The line at the top of every page: where one can go, whether the feed lives, sound, language, who is signed in.
import { alarms, needsAcknowledge } from "../alarms";
import { useNow, serverNow } from "../clock";
import { feed } from "../events";
import { clockTime, countText, fullTime } from "../format";
import { language, t, type Key } from "../i18n";
import { href, useRoute } from "../router";
import { maySeeRefusals, maySeeUsers, session, signOut, switchLanguage } from "../session";
import { enableSound, sound, toggleMute } from "../sound";
import { useStore } from "../store";
import { errorWords } from "../api";
import { toast } from "../toast";
import type { User } from "../types";
import { PriorityMark } from "./chips";

const PAGES: { path: string; label: Key; short?: Key; may?: (user: User | null) => boolean }[] = [
  { path: "overview", label: "nav.overview" },
  { path: "alarms", label: "nav.alarms" },
  { path: "lifts", label: "nav.lifts" },
  { path: "refusals", label: "nav.refusals", short: "nav.refusals.short", may: maySeeRefusals },
  { path: "users", label: "nav.users", may: maySeeUsers },
  { path: "wallboard", label: "nav.wallboard" },
];

export function TopBar({ help }: { help: () => void }) {
  const { path } = useRoute();
  const { user } = useStore(session);
  const here = path[0] ?? "alarms";
  return (
    <header class="topbar">
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.getElementById("main")?.focus();
      }}>{t("app.skip")}</a>
      <span class="brand">{t("app.name")}</span>
      <nav aria-label={t("nav.label")}>
        {PAGES.filter((page) => !page.may || page.may(user)).map((page) => (
          <a key={page.path} href={href(page.path)} class={`nav-${page.path}`} aria-current={here === page.path ? "page" : undefined}>
            {page.short
              ? <><span class="long">{t(page.label)}</span><span class="short" aria-hidden="true">{t(page.short)}</span></>
              : t(page.label)}
            {page.path === "alarms" && <WaitingCount />}
          </a>
        ))}
      </nav>
      <div class="tools">
        <FeedLamp />
        <SoundButton />
        <button type="button" class="plain" data-test="language" title={t("language.switch")} lang={language.get() === "zh" ? "en" : "zh-CN"}
          onClick={switchLanguage}>{t("language.other")}</button>
        <button type="button" class="plain help-button" onClick={help} title={`${t("nav.help")} (?)`} aria-label={t("nav.help")}>?</button>
        <span class="who" title={user?.roles.map((role) => t(`role.${role}`)).join(" ")}>{user?.display_name || user?.name}</span>
        <button type="button" class="plain" data-test="signout"
          onClick={() => void signOut().catch((error: unknown) => toast("bad", errorWords(error)))}>{t("nav.signout")}</button>
      </div>
    </header>
  );
}

function WaitingCount() {
  const waiting = useStore(alarms).rows.filter(needsAcknowledge);
  if (waiting.length === 0) return null;
  const worst = waiting.reduce((best, row) => (row.priority < best ? row.priority : best), waiting[0]?.priority ?? 4);
  return <span class="count"><PriorityMark priority={worst} />{waiting.length}</span>;
}

/** The state of the feed with the server's time, which stands still when the feed does. */
export function FeedLamp() {
  const { phase, heard_at } = useStore(feed);
  const now = useNow(1);
  const word = phase === "dead" ? t("feed.dead") : phase === "live" ? t("feed.live") : t("feed.opening");
  const at = phase === "live" || !heard_at ? now : heard_at + (serverNow() - Date.now());
  return (
    <span class={`lamp lamp-${phase}`} data-test="feed" data-phase={phase} title={`${fullTime(at)} ${t("time.zone")}`}>
      <span class="lamp-word">{word}</span> <time>{clockTime(at)}</time>
    </span>
  );
}

function Speaker({ off = false }: { off?: boolean }) {
  return (
    <svg class="speaker" viewBox="0 0 20 16" aria-hidden="true">
      <path d="M1 5h4l5-4v14l-5-4H1z" />
      {off ? <path class="stroke" d="M13 5l6 6M19 5l-6 6" /> : <path class="stroke" d="M13 5q2 3 0 6M16 3q4 5 0 10" />}
    </svg>
  );
}

export function SoundButton() {
  const { device, muted_until } = useStore(sound);
  useNow(1);
  if (device === "none") return <span class="sound-off">{t("sound.none")}</span>;
  if (device === "blocked") {
    return (
      <button type="button" class="sound-blocked" data-test="sound" data-sound="blocked" title={t("sound.enable.title")} onClick={enableSound}>
        <Speaker off /> {t("sound.enable")}
      </button>
    );
  }
  const left = muted_until - Date.now();
  const muted = left > 0;
  return (
    <button type="button" class={muted ? "sound-muted" : "plain"} data-test="sound" data-sound={muted ? "muted" : "on"} aria-pressed={muted}
      title={muted ? t("sound.muted.title") : t("sound.on.title")} onClick={toggleMute}>
      <Speaker off={muted} /> {muted ? t("sound.muted", { left: countText(left) }) : t("sound.on")}
    </button>
  );
}
