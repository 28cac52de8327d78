// Adds or changes one user.
import { useState } from "preact/hooks";
import { api, errorWords } from "../api";
import { t } from "../i18n";
import { toast } from "../toast";
import type { Account, Role } from "../types";
import { Dialog } from "./dialog";

const ROLES: Role[] = ["dispatcher", "planner", "technician", "fund", "auditor", "admin"];
const SHORTEST = 12;

export function UserDialog({ user, close, done }: { user: Account | null; close: () => void; done: () => void }) {
  const [name, setName] = useState("");
  const [display, setDisplay] = useState(user?.display_name ?? "");
  const [roles, setRoles] = useState<Role[]>(user?.roles ?? []);
  const [password, setPassword] = useState("");
  const [disabled, setDisabled] = useState(user?.disabled ?? false);
  const [kind, setKind] = useState<"areas" | "firm">("areas");
  const [scope, setScope] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const wrong = (): string => {
    if (!user && !name.trim()) return t("users.need.name");
    if (roles.length === 0) return t("users.need.role");
    if ((!user || password) && password.length < SHORTEST) return t("users.need.password");
    if (!user && kind === "firm" && !scope.trim()) return t("users.need.firm");
    return "";
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const why = wrong();
    setError(why);
    if (why) return;
    setBusy(true);
    try {
      if (user) {
        await api.changeUser(user.id, { display_name: display.trim(), roles, disabled, ...(password ? { new_password: password } : {}) });
      } else {
        const words = scope.split(/[\s,，、]+/).filter(Boolean);
        await api.addUser({
          name: name.trim(), display_name: display.trim() || name.trim(), roles, password,
          scope: kind === "firm" ? { firm: scope.trim() } : { areas: words },
        });
      }
      toast("good", user ? t("users.saved") : t("users.added"));
      done();
    } catch (failure) {
      setError(errorWords(failure));
      setBusy(false);
    }
  };

  return (
    <Dialog title={user ? t("users.edit.title", { name: user.name }) : t("users.add")} close={close}>
      <form onSubmit={(event) => void submit(event)} autocomplete="off">
        {!user && (
          <label>{t("users.col.name")}
            <input data-first name="new-user" type="text" maxLength={64} autoCapitalize="none" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </label>
        )}
        <label>{t("users.col.display")}
          <input data-first={user ? true : undefined} name="display" type="text" maxLength={100} value={display} onInput={(event) => setDisplay(event.currentTarget.value)} />
        </label>
        <fieldset>
          <legend>{t("users.col.roles")}</legend>
          {ROLES.map((role) => (
            <label key={role} class="check">
              <input type="checkbox" name={`role-${role}`} checked={roles.includes(role)}
                onChange={(event) => setRoles(event.currentTarget.checked ? [...roles, role] : roles.filter((one) => one !== role))} />
              {t(`role.${role}`)}
            </label>
          ))}
        </fieldset>
        {!user && <Scope kind={kind} setKind={setKind} scope={scope} setScope={setScope} />}
        <label>{user ? t("users.password.new") : t("users.password")} <span class="dim">{t("users.password.rule")}</span>
          <input name="new-password" type="password" autocomplete="new-password" maxLength={200} value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
        </label>
        {user && (
          <label class="check">
            <input type="checkbox" name="disabled" checked={disabled} onChange={(event) => setDisabled(event.currentTarget.checked)} />
            {t("users.disable")} <span class="dim">{t("users.disable.hint")}</span>
          </label>
        )}
        {error && <p class="form-error" role="alert">{error}</p>}
        <footer>
          <button type="button" onClick={close}>{t("cancel")}</button>
          <button type="submit" class="primary" disabled={busy}>{t("save")}</button>
        </footer>
      </form>
    </Dialog>
  );
}

function Scope({ kind, setKind, scope, setScope }: {
  kind: "areas" | "firm"; setKind: (kind: "areas" | "firm") => void; scope: string; setScope: (scope: string) => void;
}) {
  return (
    <fieldset>
      <legend>{t("users.scope.kind")}</legend>
      <label class="check"><input type="radio" name="scope" checked={kind === "areas"} onChange={() => setKind("areas")} />{t("users.scope.kind.areas")}</label>
      <label class="check"><input type="radio" name="scope" checked={kind === "firm"} onChange={() => setKind("firm")} />{t("users.scope.kind.firm")}</label>
      <label>{kind === "areas" ? t("users.scope.areas") : t("users.scope.firm")}
        <input name="scope-codes" type="text" value={scope} onInput={(event) => setScope(event.currentTarget.value)} />
      </label>
    </fieldset>
  );
}
