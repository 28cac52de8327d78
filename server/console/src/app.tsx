// The frame around every page: session gate, top line, banners, the page for the address, global keys.
import { useEffect, useErrorBoundary, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { t, useLanguage } from "./i18n";
import { useKeys } from "./keys";
import { Attention } from "./parts/attention";
import { Banners } from "./parts/banners";
import { Empty } from "./parts/empty";
import { HelpDialog } from "./parts/help";
import { Toasts } from "./parts/toasts";
import { TopBar } from "./parts/topbar";
import { AlarmPage } from "./pages/alarm";
import { AlarmsPage } from "./pages/alarms";
import { HistoryPage } from "./pages/history";
import { LiftPage } from "./pages/lift";
import { LiftsPage } from "./pages/lifts";
import { OverviewPage } from "./pages/overview";
import { RefusalsPage } from "./pages/refusals";
import { SignInPage } from "./pages/signin";
import { UsersPage } from "./pages/users";
import { WallboardPage } from "./pages/wallboard";
import { go, href, useRoute, type Route } from "./router";
import { hasRole, session, switchLanguage } from "./session";
import { toggleMute } from "./sound";
import { useStore } from "./store";

export function App() {
  const lang = useLanguage();
  const { phase, user } = useStore(session);
  const here = useRoute();
  useEffect(() => {
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
    if (phase !== "in") document.title = t("app.name");
  }, [lang, phase]);
  if (phase === "unknown") return null;
  if (phase !== "in") return <SignInPage />;
  return here.path[0] === "wallboard" || hasRole(user, "wallboard") ? <Wall /> : <Desk />;
}

function Wall() {
  useKeys([{ keys: "m", label: "keys.m", run: toggleMute }]);
  return <><Attention /><Guard><WallboardPage /></Guard></>;
}

function Desk() {
  const [help, setHelp] = useState(false);
  const here = useRoute();
  useKeys([
    { keys: "?", label: "keys.help", run: () => setHelp(true) },
    { keys: "m", label: "keys.m", run: toggleMute },
    { keys: "L", label: "keys.language", run: switchLanguage },
    { keys: "g o", label: "keys.go.overview", run: () => go("overview") },
    { keys: "g a", label: "keys.go.alarms", run: () => go("alarms") },
    { keys: "g l", label: "keys.go.lifts", run: () => go("lifts") },
    { keys: "g r", label: "keys.go.refusals", run: () => go("refusals") },
    { keys: "g u", label: "keys.go.users", run: () => go("users") },
    { keys: "g w", label: "keys.go.wallboard", run: () => go("wallboard") },
  ], true);
  const page = here.path.join("/");
  return (
    <div class="desk">
      <TopBar help={() => setHelp(true)} />
      <div class="banners"><Banners /></div>
      <main id="main" tabIndex={-1}><Guard key={page}>{pageFor(here)}</Guard></main>
      <Attention />
      <Toasts />
      {help && <HelpDialog close={() => setHelp(false)} />}
    </div>
  );
}

function pageFor(here: Route) {
  const [page, id] = here.path;
  const number = id !== undefined && /^\d+$/.test(id) ? Number(id) : null;
  switch (page) {
    case undefined:
    case "alarms":
      if (id === undefined) return <AlarmsPage />;
      return number !== null ? <AlarmPage id={number} /> : <NotFound />;
    case "history": return <HistoryPage />;
    case "overview": return <OverviewPage />;
    case "lifts":
      if (id === undefined) return <LiftsPage />;
      return number !== null ? <LiftPage id={number} /> : <NotFound />;
    case "refusals": return <RefusalsPage open={number} />;
    case "users": return <UsersPage />;
    default: return <NotFound />;
  }
}

function NotFound() {
  return (
    <div class="page">
      <Empty title={t("notfound.title")} next={t("notfound.detail")}><a class="button" href={href("alarms")}>{t("notfound.go")}</a></Empty>
    </div>
  );
}

/** A page that fails is replaced by words and a way on; banners and sound live outside it and go on. */
function Guard({ children }: { children: ComponentChildren }) {
  const [error] = useErrorBoundary((failure: unknown) => console.error(failure));
  if (!error) return <>{children}</>;
  return (
    <div class="page">
      <Empty title={t("error.page")} next={t("error.page.detail")}>
        <button type="button" onClick={() => location.reload()}>{t("error.reload")}</button>
      </Empty>
    </div>
  );
}
