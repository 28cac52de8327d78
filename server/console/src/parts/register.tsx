// Registers an unknown terminal: which lift it is in; then what it sent is landed.
import { useEffect, useState } from "preact/hooks";
import { api, errorWords } from "../api";
import { placeText } from "../format";
import { t } from "../i18n";
import { toast } from "../toast";
import type { LiftRow, UnknownDevice } from "../types";
import { Dialog } from "./dialog";

export function RegisterDialog({ device, close, done }: { device: UnknownDevice; close: () => void; done: () => void }) {
  const [words, setWords] = useState("");
  const [found, setFound] = useState<LiftRow[] | null>(null);
  const [lift, setLift] = useState<number | null>(null);
  const [unit, setUnit] = useState(String(device.unit ?? 0));
  const [area, setArea] = useState(device.area ?? "");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let here = true;
    const timer = setTimeout(() => {
      api.lifts({ q: words, limit: 30 }).then(
        (page) => here && setFound(page.items),
        (failure: unknown) => here && setError(errorWords(failure)),
      );
    }, 200);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [words]);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (lift === null) {
      setError(t("unknown.register.need"));
      return;
    }
    setBusy(true);
    try {
      await api.registerDevice({ device: device.device, area: area.trim(), units: [{ unit: Number(unit) || 0, lift_id: lift }] });
      toast("good", t("unknown.register.done"));
      done();
    } catch (failure) {
      setError(errorWords(failure));
      setBusy(false);
    }
  };

  return (
    <Dialog title={t("unknown.register.title", { device: device.device })} close={close} wide>
      <form onSubmit={(event) => void submit(event)}>
        <label>{t("unknown.register.lift")}
          <input data-first type="search" value={words} placeholder={t("unknown.register.find")} onInput={(event) => setWords(event.currentTarget.value)} />
        </label>
        <div class="choices" role="radiogroup" aria-label={t("unknown.register.lift")}>
          {found?.map((one) => (
            <label key={one.id} class="choice">
              <input type="radio" name="lift" checked={lift === one.id} onChange={() => { setLift(one.id); setError(""); }} />
              <span>{placeText(one.compound, one.building)} <b>{one.code}</b> <span class="dim">{t(`stage.${one.stage}`)}</span></span>
            </label>
          ))}
          {found?.length === 0 && <p class="dim">{t("unknown.register.nomatch")}</p>}
        </div>
        <div class="pair">
          <label>{t("unknown.register.unit")}<input type="number" min={0} max={255} value={unit} onInput={(event) => setUnit(event.currentTarget.value)} /></label>
          <label>{t("unknown.register.area")}<input type="text" maxLength={40} value={area} onInput={(event) => setArea(event.currentTarget.value)} /></label>
        </div>
        {error && <p class="form-error" role="alert">{error}</p>}
        <footer>
          <button type="button" onClick={close}>{t("cancel")}</button>
          <button type="submit" class="primary" disabled={busy}>{t("unknown.register.do")}</button>
        </footer>
      </form>
    </Dialog>
  );
}
