// What calls for attention without being looked at: the sound, the page title, the words for a screen reader.
import { useEffect, useRef, useState } from "preact/hooks";
import { alarms, needsAcknowledge, trappedRows, type Row } from "../alarms";
import { feed } from "../events";
import { alarmWhere } from "../format";
import { nameOf, t, useLanguage } from "../i18n";
import { isPending, pending } from "../pending";
import { ring, type Ringing } from "../sound";
import { useStore } from "../store";

/** What should sound: the most urgent alarm that nobody has acknowledged, else the dead feed. One that has returned by
 *  itself sounds on only when people were in it. */
function ringing(rows: Row[], dead: boolean): Ringing {
  let best = 9;
  for (const row of rows) {
    const sounds = row.state === "unacknowledged" || (row.state === "returned_unacknowledged" && row.priority === 1);
    if (sounds && row.priority < best) best = row.priority;
  }
  if (best === 1) return 1;
  if (dead) return "feed";
  return best === 2 || best === 3 ? best : 0;
}

export function Attention() {
  useLanguage();
  const { rows, loaded } = useStore(alarms);
  const waits = useStore(pending);
  const dead = useStore(feed).phase === "dead";
  const seen = useRef<Set<string> | null>(null);
  const [said, setSaid] = useState("");

  const waiting = rows.filter((row) => needsAcknowledge(row) && !isPending(waits, row));
  useEffect(() => {
    const before = seen.current;
    const fresh = before ? waiting.filter((row) => !before.has(row.key)) : [];
    if (loaded || waiting.length > 0) seen.current = new Set(rows.map((row) => row.key));
    ring(ringing(waiting, dead), fresh.some((row) => row.priority === 1));
    const first = fresh.find((row) => row.priority <= 2);
    if (first) setSaid(t("alarms.new", { what: `${nameOf(first)} ${alarmWhere(first)}` }));
  }, [rows, waits, dead, loaded]);

  const trapped = trappedRows(rows).length;
  useEffect(() => {
    const marks = [
      dead ? `‼ ${t("feed.dead")}` : "",
      trapped ? `${t("trapped.title")} ${trapped}` : "",
      waiting.length ? `(${waiting.length})` : "",
    ].filter(Boolean).join(" ");
    document.title = [marks, t("app.name")].filter(Boolean).join(" · ");
  });
  return <div class="sr-only" role="status" aria-live="assertive">{said}</div>;
}
