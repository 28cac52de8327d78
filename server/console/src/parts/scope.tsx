// What an account may see: areas, or one maintenance firm's lifts; chosen from what is registered.
import { api, type Scope } from "../api";
import { nameOf, t } from "../i18n";
import { Failure, Loading } from "./empty";
import { useLoad } from "./load";

export function ScopeChoice({ scope, setScope, areasOnly }: { scope: Scope; setScope: (scope: Scope) => void; areasOnly: boolean }) {
  const firm = typeof scope.firm === "string";
  return (
    <fieldset>
      <legend>{t("users.scope.kind")}</legend>
      {!areasOnly && (
        <p>
          <label class="check"><input type="radio" name="scope" checked={!firm} onChange={() => setScope({ areas: [] })} />{t("users.scope.kind.areas")}</label>
          <label class="check"><input type="radio" name="scope" checked={firm} onChange={() => setScope({ firm: "" })} />{t("users.scope.kind.firm")}</label>
        </p>
      )}
      {typeof scope.firm === "string"
        ? <FirmChoice chosen={scope.firm} choose={(code) => setScope({ firm: code })} />
        : <AreaChoice chosen={scope.areas ?? []} choose={(areas) => setScope({ areas })} />}
    </fieldset>
  );
}

export function AreaChoice({ chosen, choose }: { chosen: string[]; choose: (areas: string[]) => void }) {
  const { value, error, reload } = useLoad(api.areas, []);
  if (error) return <Failure error={error} retry={reload} />;
  if (!value) return <Loading />;
  return (
    <div class="area-choice">
      <p class="dim">{t("users.scope.areas")}</p>
      {value.map((area) => (
        <label key={area.code} class="check">
          <input type="checkbox" checked={chosen.includes(area.code)}
            onChange={(event) => choose(event.currentTarget.checked ? [...chosen, area.code] : chosen.filter((one) => one !== area.code))} />
          {nameOf(area)}
        </label>
      ))}
    </div>
  );
}

function FirmChoice({ chosen, choose }: { chosen: string; choose: (code: string) => void }) {
  const { value, error, reload } = useLoad(api.firms, []);
  if (error) return <Failure error={error} retry={reload} />;
  if (!value) return <Loading />;
  return (
    <label>{t("users.scope.firm")}
      <select name="scope-firm" value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{t("users.scope.choose")}</option>
        {value.map((firm) => <option key={firm.code} value={firm.code}>{nameOf(firm)}</option>)}
      </select>
    </label>
  );
}
