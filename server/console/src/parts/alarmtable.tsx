// A plain table of alarms, for history and for one lift.
import { useNow } from "../clock";
import { alarmRest, alarmWhere, fullTime, instant, shortTime, spanText } from "../format";
import { nameOf, t } from "../i18n";
import { href } from "../router";
import type { Alarm } from "../types";
import { PriorityMark, StateChip, Trapped } from "./chips";

export function AlarmTable({ alarms, lift = false }: { alarms: Alarm[]; lift?: boolean }) {
  const now = useNow(30);
  return (
    <table class="list cards">
      <thead>
        <tr>
          <th>{t("alarms.col.priority")}</th>
          <th>{t("alarms.col.state")}</th>
          {lift && <th>{t("alarms.col.place")}</th>}
          <th>{t("alarms.col.condition")}</th>
          <th>{t("alarm.raised")}</th>
          <th>{t("alarm.duration")}</th>
          <th>{t("alarms.col.acknowledged")}</th>
        </tr>
      </thead>
      <tbody>
        {alarms.map((alarm) => {
          const from = instant(alarm.raised_at) ?? now;
          const to = instant(alarm.cleared_at) ?? now;
          return (
            <tr key={alarm.id}>
              <td class="tight"><PriorityMark priority={alarm.priority} /></td>
              <td class="tight"><StateChip state={alarm.state} /></td>
              {lift && <td><a href={href(`lifts/${alarm.lift_id}`)}>{alarmWhere(alarm)}</a></td>}
              <td class="grow"><a href={href(`alarms/${alarm.id}`)}>{nameOf(alarm)}</a> <Trapped row={alarm} /> <span class="dim">{alarmRest(alarm)}</span></td>
              <td class="num" data-label={t("alarm.raised")} title={fullTime(from)}>{shortTime(from, now)}</td>
              <td class="num" data-label={t("alarm.duration")}>{spanText(to - from)}</td>
              <td>{alarm.acknowledged_by ?? ""}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
