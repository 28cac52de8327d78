// What may not be scrolled away: people trapped, the feed dead, recording stopped, the broker away, acknowledgements
// that still wait to be sent.
import { alarms, needsAcknowledge, trappedRows, type Row } from "../alarms";
import { useNow } from "../clock";
import { feed } from "../events";
import { alarmWhere, spanText, telHref } from "../format";
import { nameOf, t } from "../i18n";
import { isPending, pending } from "../pending";
import { href } from "../router";
import { useStore } from "../store";
import { Age } from "./age";
import { StateChip } from "./chips";
import { usePhone } from "./media";

export function Banners() {
  return (
    <>
      <FeedBanner />
      <TrappedBanner />
      <PendingBanner />
    </>
  );
}

export function FeedBanner() {
  const { phase, heard_at, status } = useStore(feed);
  useNow(1);
  if (phase === "dead") {
    const text = heard_at
      ? t("feed.dead.since", { age: spanText(Date.now() - heard_at) })
      : t("feed.dead.never");
    return <div class="banner feed-dead" role="alert" data-banner="dead">{text}</div>;
  }
  return (
    <>
      {!status.recording && <div class="banner recording" role="alert" data-banner="recording">{t("feed.recording")}</div>}
      {status.broker === "away" && <div class="banner recording" role="alert" data-banner="broker">{t("feed.broker")}</div>}
    </>
  );
}

function PendingBanner() {
  const list = useStore(pending);
  useNow(1);
  // A moment is normal; what stays longer is worth a line.
  if (!list.some((one) => Date.now() - one.since > 1500)) return null;
  return <div class="banner pending" role="status" data-banner="pending">{t("ack.pending", { n: list.length })}</div>;
}

function TrappedBanner() {
  const phone = usePhone();
  const trapped = trappedRows(useStore(alarms).rows);
  if (trapped.length === 0) return null;
  const most = phone ? 1 : 3;
  return (
    <section class="trapped-banner" aria-label={t("trapped.label")} data-banner="trapped">
      {trapped.slice(0, most).map((row) => <TrappedLine key={row.key} row={row} />)}
      {trapped.length > most && (
        <a class="trapped-more" href={href("alarms", { state: "trapped" })}>{t("trapped.more", { n: trapped.length - most })}</a>
      )}
    </section>
  );
}

function TrappedLine({ row }: { row: Row }) {
  const waits = isPending(useStore(pending), row);
  const open = row.id > 0 ? href(`alarms/${row.id}`) : href("alarms", { state: "trapped" });
  return (
    <div class={`trapped-line${needsAcknowledge(row) ? " waiting" : ""}`}>
      <svg viewBox="0 0 24 24" aria-hidden="true" class="trapped-icon">
        <rect x="3" y="1.5" width="18" height="21" rx="1" /><circle cx="12" cy="8" r="2.6" /><path d="M7 20v-5a5 5 0 0 1 10 0v5z" />
      </svg>
      <a class="trapped-place" href={open}>
        <b>{t("trapped.banner")}</b> {alarmWhere(row)}
      </a>
      <span class="trapped-age"><Age at={row.raised_at} count /></span>
      <StateChip state={row.state} provisional={row.provisional} pending={waits} />
      {row.state === "returned_unacknowledged" && <span class="trapped-note">{t("trapped.returned")}</span>}
      {row.acknowledged_by && <span class="trapped-note">{row.acknowledged_by}</span>}
      <span class="trapped-firm">
        {row.firm ? nameOf(row.firm) : t("trapped.nofirm")}{" "}
        {row.firm?.phone && <a href={telHref(row.firm.phone)} aria-label={t("trapped.call", { name: nameOf(row.firm) })}>{row.firm.phone}</a>}
      </span>
    </div>
  );
}
