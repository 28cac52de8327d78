// Alarms of the past, newest first, read a page at a time.
import { useEffect, useState } from "preact/hooks";
import { api } from "../api";
import { t, useLanguage } from "../i18n";
import { AlarmTable } from "../parts/alarmtable";
import { Empty, Failure, Loading } from "../parts/empty";
import { href, setQuery, useRoute } from "../router";
import type { Alarm } from "../types";

export function HistoryPage() {
  useLanguage();
  const priority = useRoute().query.get("p") ?? "";
  const [items, setItems] = useState<Alarm[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [state, setState] = useState<"loading" | "ready" | "failed">("loading");
  const [error, setError] = useState<unknown>(null);

  const read = (after: string | null, wanted: () => boolean) => {
    setState("loading");
    api.history({ priority, after, limit: 100 }).then(
      (page) => {
        if (!wanted()) return;
        setItems((old) => (after ? [...old, ...page.items] : page.items));
        setNext(page.next);
        setState("ready");
      },
      (failure: unknown) => {
        if (!wanted()) return;
        setError(failure);
        setState("failed");
      },
    );
  };
  useEffect(() => {
    let here = true;
    setItems([]);
    setNext(null);
    read(null, () => here);
    return () => {
      here = false;
    };
  }, [priority]);

  return (
    <div class="page">
      <div class="page-head">
        <h1>{t("history.title")}</h1>
        <div class="filters">
          <select aria-label={t("alarms.priority")} value={priority} onChange={(event) => setQuery({ p: event.currentTarget.value || null })}>
            <option value="">{t("all")}</option>
            {([1, 2, 3, 4] as const).map((one) => <option key={one} value={String(one)}>{t(`priority.${one}`)}</option>)}
          </select>
          <a class="history-link" href={href("alarms")}>{t("alarms.open")}</a>
        </div>
      </div>
      {items.length > 0 && <AlarmTable alarms={items} lift />}
      {state === "loading" && <Loading />}
      {state === "failed" && <Failure error={error} retry={() => read(next, () => true)} />}
      {state === "ready" && items.length === 0 && <Empty title={t("history.empty")} next={t("history.empty.next")} />}
      {state === "ready" && next && <p class="more"><button type="button" onClick={() => read(next, () => true)}>{t("more")}</button></p>}
    </div>
  );
}
