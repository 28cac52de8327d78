// What came in but could not be taken: terminals nobody registered, and messages nobody could read.
import { useEffect, useState } from "preact/hooks";
import { api, errorWords } from "../api";
import { useNow } from "../clock";
import { onFeed } from "../events";
import { fullTime, shortTime } from "../format";
import { t, tOr, useLanguage } from "../i18n";
import { Dialog } from "../parts/dialog";
import { Empty, Failure, Loading } from "../parts/empty";
import { useLoad, useThrottled } from "../parts/load";
import { RegisterDialog } from "../parts/register";
import { go, setQuery, useRoute } from "../router";
import { mayRegister, session } from "../session";
import { useStore } from "../store";
import { toast } from "../toast";
import type { Refusal, UnknownDevice } from "../types";

export function RefusalsPage({ open }: { open: number | null }) {
  useLanguage();
  return (
    <div class="page">
      <h1>{t("refusals.title")}</h1>
      <Unknown />
      <Refusals />
      {open !== null && <RefusalDialog id={open} close={() => go("refusals")} />}
    </div>
  );
}

function useRefusalFeed(action: () => void): void {
  const again = useThrottled(action, 2_000);
  useEffect(() => {
    const stops = [onFeed("refusals", again), onFeed("opened", again)];
    return () => stops.forEach((stop) => stop());
  }, []);
}

function Unknown() {
  const { value, error, reload } = useLoad(api.unknownDevices, []);
  const [registering, setRegistering] = useState<UnknownDevice | null>(null);
  const { user } = useStore(session);
  useRefusalFeed(reload);
  const land = async (device: string) => {
    try {
      const { requested } = await api.land(device);
      toast("good", t("unknown.landed", { n: requested }));
      setTimeout(reload, 1500);
    } catch (failure) {
      toast("bad", errorWords(failure));
    }
  };
  return (
    <section class="panel" aria-label={t("unknown.title")}>
      <h2>{t("unknown.title")}</h2>
      <p class="dim">{t("unknown.why")}</p>
      {error !== null && <Failure error={error} retry={reload} />}
      {!value && !error && <Loading />}
      {value?.length === 0 && <Empty title={t("unknown.empty")} next={t("unknown.empty.next")} />}
      {value && value.length > 0 && (
        <UnknownTable devices={value} may={mayRegister(user)} land={(device) => void land(device)} register={setRegistering} />
      )}
      {registering && (
        <RegisterDialog device={registering} close={() => setRegistering(null)}
          done={() => {
            setRegistering(null);
            void land(registering.device);
          }} />
      )}
    </section>
  );
}

function UnknownTable({ devices, may, land, register }: {
  devices: UnknownDevice[]; may: boolean; land: (device: string) => void; register: (device: UnknownDevice) => void;
}) {
  const now = useNow(10);
  return (
    <table class="list cards">
      <thead>
        <tr>
          <th>{t("unknown.col.device")}</th><th>{t("unknown.col.area")}</th><th>{t("unknown.col.messages")}</th>
          <th>{t("unknown.col.first")}</th><th>{t("unknown.col.last")}</th><th><span class="sr-only">{t("refusals.col.state")}</span></th>
        </tr>
      </thead>
      <tbody>
        {devices.map((one) => (
          <tr key={`${one.area}/${one.device}/${one.unit ?? ""}`} data-device={one.device}>
            <td class="grow"><b>{one.device}</b>{one.unit !== undefined && one.unit !== null && ` / ${one.unit}`} {one.registered && <span class="dim">{t("unknown.registered")}</span>} {one.requested ? <span class="dim">{t("unknown.requested")}</span> : null}</td>
            <td>{one.area || ""}</td>
            <td class="num" data-label={t("unknown.col.messages")}>{one.messages}</td>
            <td class="num" data-label={t("unknown.col.first")} title={fullTime(one.first_at)}>{shortTime(one.first_at, now)}</td>
            <td class="num" data-label={t("unknown.col.last")} title={fullTime(one.last_at)}>{shortTime(one.last_at, now)}</td>
            <td class="tight">
              {may && one.registered && <button type="button" class="primary" onClick={() => land(one.device)}>{t("unknown.land")}</button>}
              {may && !one.registered && <button type="button" onClick={() => register(one)}>{t("unknown.register")}</button>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const REASONS = ["unknown_device", "unknown_unit", "boot_fell", "database"];

function Refusals() {
  const { query } = useRoute();
  const reason = query.get("reason") ?? "";
  const { value, error, reload } = useLoad(() => api.refusals({ reason, state: "all", limit: 100 }), [reason]);
  const [extra, setExtra] = useState<{ items: Refusal[]; next: string | null } | null>(null);
  useRefusalFeed(reload);
  useEffect(() => setExtra(null), [reason]);
  const items = [...(value?.items ?? []), ...(extra?.items ?? []).filter((one) => !value?.items.some((other) => other.id === one.id))];
  const next = extra ? extra.next : value?.next ?? null;
  const more = () => {
    api.refusals({ reason, state: "all", limit: 100, after: next }).then(
      (page) => setExtra({ items: [...(extra?.items ?? []), ...page.items], next: page.next }),
      (failure: unknown) => toast("bad", errorWords(failure)),
    );
  };
  const reasons = [...new Set([...REASONS, ...items.map((one) => one.reason), ...(reason ? [reason] : [])])];
  return (
    <section class="panel" aria-label={t("refusals.list")}>
      <div class="page-head">
        <h2>{t("refusals.list")}</h2>
        <select aria-label={t("refusals.col.reason")} value={reason} onChange={(event) => setQuery({ reason: event.currentTarget.value || null })}>
          <option value="">{t("refusals.reason.any")}</option>
          {reasons.map((one) => <option key={one} value={one}>{tOr(`reason.${one}`, one)}</option>)}
        </select>
      </div>
      <p class="dim">{t("refusals.why")}</p>
      {error !== null && <Failure error={error} retry={reload} />}
      {!value && !error && <Loading />}
      {value && items.length === 0 && (reason
        ? <Empty title={t("refusals.nomatch")}><button type="button" onClick={() => setQuery({ reason: null })}>{t("overview.clear")}</button></Empty>
        : <Empty title={t("refusals.empty")} next={t("refusals.empty.next")} />)}
      {items.length > 0 && <RefusalTable items={items} />}
      {next && <p class="more"><button type="button" onClick={more}>{t("more")}</button></p>}
    </section>
  );
}

function RefusalTable({ items }: { items: Refusal[] }) {
  const now = useNow(10);
  return (
    <table class="list cards">
      <thead>
        <tr>
          <th>{t("refusals.col.reason")}</th><th>{t("refusals.col.device")}</th><th>{t("refusals.col.detail")}</th>
          <th>{t("refusals.col.times")}</th><th>{t("refusals.col.last")}</th><th>{t("refusals.col.state")}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <tr key={one.id}>
            <td><a href={`#/refusals/${one.id}`}>{tOr(`reason.${one.reason}`, one.reason)}</a></td>
            <td>{[one.area, one.device].filter(Boolean).join("/") || one.topic}</td>
            <td class="grow dim">{one.detail ?? ""}</td>
            <td class="num">×{one.times}</td>
            <td class="num" data-label={t("refusals.col.last")} title={fullTime(one.last_at)}>{shortTime(one.last_at, now)}</td>
            <td>{handling(one, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function handling(one: Refusal, now: number): string {
  if (one.landed_at) return t("refusals.landed", { when: shortTime(one.landed_at, now) });
  return one.request_at ? t("refusals.waiting") : t("refusals.open");
}

function RefusalDialog({ id, close }: { id: number; close: () => void }) {
  const { value, error, reload } = useLoad(() => api.refusal(id), [id]);
  const now = useNow(10);
  return (
    <Dialog title={t("refusal.title", { id })} close={close} wide>
      {error !== null && <Failure error={error} retry={reload} />}
      {!value && !error && <Loading />}
      {value && (
        <dl class="facts">
          <dt>{t("refusals.col.reason")}</dt><dd>{tOr(`reason.${value.reason}`, value.reason)}</dd>
          <dt>{t("refusals.col.detail")}</dt><dd>{value.detail ?? t("none")}</dd>
          <dt>{t("refusal.topic")}</dt><dd class="mono">{value.topic}</dd>
          <dt>{t("refusals.col.times")}</dt><dd>{value.times}</dd>
          <dt>{t("refusal.first")}</dt><dd>{fullTime(value.first_at)}</dd>
          <dt>{t("refusals.col.last")}</dt><dd>{fullTime(value.last_at)}</dd>
          <dt>{t("refusals.col.state")}</dt><dd>{handling(value, now)}{value.outcome && ` (${value.outcome})`}</dd>
          <dt>{t("refusal.payload")}</dt>
          <dd><span class="dim">{t("refusal.bytes", { n: value.bytes ?? (value.payload_hex?.length ?? 0) / 2 })}</span>
            <pre class="hex" tabIndex={0}>{hexDump(value.payload_hex ?? "")}</pre></dd>
        </dl>
      )}
      <footer><button type="button" data-first class="primary" onClick={close}>{t("close")}</button></footer>
    </Dialog>
  );
}

/** Sixteen bytes a line, as everywhere; the rest of a long message is counted. */
function hexDump(hex: string): string {
  const most = 4096;
  const lines = (hex.slice(0, most * 2).match(/.{1,32}/g) ?? []).map((line, i) => {
    const bytes = line.match(/../g) ?? [];
    const text = bytes.map((byte) => {
      const code = parseInt(byte, 16);
      return code >= 32 && code < 127 ? String.fromCharCode(code) : ".";
    }).join("");
    return `${(i * 16).toString(16).padStart(6, "0")}  ${bytes.join(" ").padEnd(47)}  ${text}`;
  });
  if (hex.length > most * 2) lines.push(`… +${hex.length / 2 - most}`);
  return lines.join("\n");
}
