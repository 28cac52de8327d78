// The list of keys in force on the page that is open.
import { keysInForce } from "../keys";
import { t } from "../i18n";
import { Dialog } from "./dialog";

export function HelpDialog({ close }: { close: () => void }) {
  const rows = keysInForce();
  return (
    <Dialog title={t("keys.title")} close={close}>
      <dl class="keys">
        {rows.map((one) => (
          <div key={one.keys}>
            <dt>{one.keys.split(" ").map((key, i) => <>{i > 0 && <span class="dim"> {t("keys.then")} </span>}<kbd>{key === "G" ? "Shift G" : key}</kbd></>)}</dt>
            <dd>{t(one.label)}</dd>
          </div>
        ))}
      </dl>
      <footer><button type="button" data-first class="primary" onClick={close}>{t("close")}</button></footer>
    </Dialog>
  );
}
