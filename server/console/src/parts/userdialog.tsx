// Adds or changes one user.
import { useState } from "preact/hooks";
import { api, errorWords, type Scope } from "../api";
import { t } from "../i18n";
import { toast } from "../toast";
import type { Account, Role } from "../types";
import { Dialog } from "./dialog";
import { AreaChoice, ScopeChoice } from "./scope";

const ROLES: Role[] = ["dispatcher", "planner", "technician", "fund", "auditor", "admin"];
const SHORTEST = 10;

export function UserDialog({ user, close, done }: { user: Account | null; close: () => void; done: () => void }) {
  const [name, setName] = useState("");
  const [display, setDisplay] = useState(user?.display_name ?? "");
  const [roles, setRoles] = useState<Role[]>(user?.roles ?? []);
  const [password, setPassword] = useState("");
  const [disabled, setDisabled] = useState(user?.disabled ?? false);
  const [scope, setScope] = useState<Scope>(user?.scope?.firm ? { firm: user.scope.firm } : { areas: user?.scope?.areas ?? [] });
  const [scopeTouched, setTouched] = useState(false);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const wall = user?.roles.includes("wallboard") ?? false;

  const wrong = (): string => {
    if (!user && !name.trim()) return t("users.need.name");
    if (!wall && roles.length === 0) return t("users.need.role");
    if ((!user || password) && password.length < SHORTEST) return t("users.need.password");
    if (scope.firm === "") return t("users.need.firm");
    return "";
  };
  const save = () => {
    const shown = display.trim() || name.trim();
    if (!user) return api.addUser({ name: name.trim(), display_name: shown, roles, password, scope });
    return api.changeUser(user.id, {
      display_name: shown || user.name, disabled,
      ...(wall ? {} : { roles }), ...(password ? { new_password: password } : {}), ...(scopeTouched ? { scope } : {}),
    });
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const why = wrong();
    setError(why);
    if (why) return;
    setBusy(true);
    try {
      await save();
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
        {!wall && <RoleChoice roles={roles} setRoles={setRoles} />}
        <ScopeChoice scope={scope} areasOnly={wall} setScope={(next) => {
          setScope(next);
          setTouched(true);
        }} />
        {!wall && (
          <label>{user ? t("users.password.new") : t("users.password")} <span class="dim">{t("users.password.rule")}</span>
            <input name="new-password" type="password" autocomplete="new-password" maxLength={200} value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
          </label>
        )}
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

function RoleChoice({ roles, setRoles }: { roles: Role[]; setRoles: (roles: Role[]) => void }) {
  return (
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
  );
}

/** Makes a wall screen's account; its address is known this once. */
export function WallDialog({ close, done }: { close: () => void; done: () => void }) {
  const [name, setName] = useState("");
  const [display, setDisplay] = useState("");
  const [areas, setAreas] = useState<string[]>([]);
  const [address, setAddress] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!name.trim()) {
      setError(t("users.need.name"));
      return;
    }
    setBusy(true);
    try {
      const place = await api.addWallboard({ name: name.trim(), display_name: display.trim() || name.trim(), areas });
      setAddress(new URL(place, location.origin).href);
      setError("");
    } catch (failure) {
      setError(errorWords(failure));
      setBusy(false);
    }
  };
  if (address) {
    return (
      <Dialog title={t("users.wall")} close={done}>
        <p>{t("users.wall.done")}</p>
        <input class="mono address" data-first readOnly value={address} aria-label={t("users.wall.done")} onFocus={(event) => event.currentTarget.select()} />
        <p class="dim">{t("users.wall.why")}</p>
        <footer><button type="button" class="primary" onClick={done}>{t("close")}</button></footer>
      </Dialog>
    );
  }
  return (
    <Dialog title={t("users.wall")} close={close}>
      <form onSubmit={(event) => void submit(event)} autocomplete="off">
        <p class="dim">{t("users.wall.why")}</p>
        <label>{t("users.col.name")}
          <input data-first name="wall-name" type="text" maxLength={64} autoCapitalize="none" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>{t("users.col.display")}
          <input type="text" maxLength={100} value={display} onInput={(event) => setDisplay(event.currentTarget.value)} />
        </label>
        <fieldset><legend>{t("users.scope.areas")}</legend><AreaChoice chosen={areas} choose={setAreas} /></fieldset>
        {error && <p class="form-error" role="alert">{error}</p>}
        <footer>
          <button type="button" onClick={close}>{t("cancel")}</button>
          <button type="submit" class="primary" disabled={busy}>{t("save")}</button>
        </footer>
      </form>
    </Dialog>
  );
}
