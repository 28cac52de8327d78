// How long ago, ticking: with the exact Shanghai time behind it.
import { useNow } from "../clock";
import { countText, fullTime, instant, spanText } from "../format";
import { t } from "../i18n";

/** The age of an instant; `count` shows minutes and seconds for the first hour. */
export function Age({ at, count = false, ago = false }: { at: string | null | undefined; count?: boolean; ago?: boolean }) {
  const now = useNow(1);
  const ms = instant(at);
  if (ms === null) return <span class="dim">{t("none")}</span>;
  const text = count && now - ms < 3_600_000 ? countText(now - ms) : spanText(now - ms);
  return <time dateTime={String(at)} title={`${fullTime(ms)} ${t("time.zone")}`}>{ago ? t("age.ago", { age: text }) : text}</time>;
}

/** How fresh a lift's data is: calm when recent, marked when silent. */
export function Freshness({ at, silent }: { at: string | null | undefined; silent: boolean | null }) {
  if (silent) {
    return (
      <span class="silent-text">
        <span class="mark" aria-hidden="true">{t("silent.letter")}</span>
        <Age at={at} />
      </span>
    );
  }
  return <span class="dim"><Age at={at} ago /></span>;
}
