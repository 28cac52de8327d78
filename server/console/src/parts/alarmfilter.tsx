// The filters of the alarm list: words, priorities, state, order; each lives in the address bar.
import type { RefObject } from "preact";
import type { AlarmFilter } from "../alarms";
import { t } from "../i18n";
import { href, setQuery } from "../router";
import type { Priority } from "../types";
import { PriorityMark } from "./chips";

const STATES = ["", "waiting", "acknowledged", "trapped"] as const;
const PRIORITIES: Priority[] = [1, 2, 3, 4];

export function readFilter(query: URLSearchParams): AlarmFilter {
  const state = query.get("state") ?? "";
  const wanted = (query.get("p") ?? "").split(",").map(Number);
  return {
    words: query.get("q") ?? "",
    priorities: new Set(PRIORITIES.filter((one) => wanted.includes(one))),
    state: STATES.find((one) => one === state) ?? "",
    sort: query.get("sort") === "newest" ? "newest" : "urgency",
  };
}

export function AlarmFilters({ filter, search, shown, all, leave }: {
  filter: AlarmFilter; search: RefObject<HTMLInputElement | null>; shown: number; all: number; leave: () => void;
}) {
  const toggle = (priority: Priority) => {
    const next = new Set(filter.priorities);
    if (!next.delete(priority)) next.add(priority);
    setQuery({ p: [...next].sort().join(",") || null });
  };
  return (
    <div class="filters" role="search">
      <input ref={search} type="search" value={filter.words} placeholder={t("alarms.filter")} aria-label={t("alarms.filter.label")}
        onInput={(event) => setQuery({ q: event.currentTarget.value || null })}
        onKeyDown={(event) => {
          if (event.isComposing || (event.key !== "Escape" && event.key !== "Enter")) return;
          event.preventDefault();
          leave();
        }} />
      <span class="prio-filter" role="group" aria-label={t("alarms.priority")}>
        {PRIORITIES.map((one) => (
          <button key={one} type="button" class="toggle" aria-pressed={filter.priorities.has(one)} title={t(`priority.${one}`)} onClick={() => toggle(one)}>
            <PriorityMark priority={one} />
          </button>
        ))}
      </span>
      <select aria-label={t("alarms.state")} value={filter.state} onChange={(event) => setQuery({ state: event.currentTarget.value || null })}>
        <option value="">{t("alarms.state.all")}</option>
        <option value="waiting">{t("alarms.state.waiting")}</option>
        <option value="acknowledged">{t("alarms.state.acknowledged")}</option>
        <option value="trapped">{t("alarms.state.trapped")}</option>
      </select>
      <select class="filter-sort" aria-label={t("alarms.sort")} value={filter.sort} onChange={(event) => setQuery({ sort: event.currentTarget.value === "newest" ? "newest" : null })}>
        <option value="urgency">{t("alarms.sort.urgency")}</option>
        <option value="newest">{t("alarms.sort.newest")}</option>
      </select>
      <span class="counted" aria-live="polite">{shown === all ? t("alarms.count", { n: all }) : t("alarms.count.of", { n: shown, all })}</span>
      <a class="history-link" href={href("history")}>{t("alarms.history")}</a>
    </div>
  );
}
