// Users, for administrators: who may sign in, in which roles, seeing what.
import { useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { t, useLanguage } from "../i18n";
import { Empty, Failure, Loading } from "../parts/empty";
import { useLoad } from "../parts/load";
import { UserDialog, WallDialog } from "../parts/userdialog";
import { hasRole, session } from "../session";
import { useStore } from "../store";
import type { Account } from "../types";

export function UsersPage() {
  useLanguage();
  const { value, error, reload } = useLoad(api.users, []);
  const admin = hasRole(useStore(session).user, "admin");
  const [editing, setEditing] = useState<Account | "new" | "wall" | null>(null);
  const finish = () => {
    setEditing(null);
    reload();
  };
  if (error instanceof ApiError && error.status === 403) {
    return <div class="page"><h1>{t("users.title")}</h1><Empty title={t("users.denied")} next={t("error.403")}><a class="button" href="#/alarms">{t("notfound.go")}</a></Empty></div>;
  }
  return (
    <div class="page">
      <div class="page-head">
        <h1>{t("users.title")}</h1>
        {admin && (
          <span class="actions">
            <button type="button" onClick={() => setEditing("wall")}>{t("users.wall")}</button>
            <button type="button" class="primary" onClick={() => setEditing("new")}>{t("users.add")}</button>
          </span>
        )}
      </div>
      {error !== null && <Failure error={error} retry={reload} />}
      {!value && !error && <Loading />}
      {value?.length === 0 && <Empty title={t("users.empty")} next={t("users.empty.next")} />}
      {value && value.length > 0 && <UserTable users={value} edit={admin ? setEditing : null} />}
      {editing === "wall" && <WallDialog close={() => setEditing(null)} done={finish} />}
      {editing && editing !== "wall" && <UserDialog user={editing === "new" ? null : editing} close={() => setEditing(null)} done={finish} />}
    </div>
  );
}

function UserTable({ users, edit }: { users: Account[]; edit: ((user: Account) => void) | null }) {
  return (
    <table class="list cards">
      <thead>
        <tr>
          <th>{t("users.col.name")}</th><th>{t("users.col.display")}</th><th>{t("users.col.roles")}</th>
          <th>{t("users.col.scope")}</th><th>{t("users.col.state")}</th><th><span class="sr-only">{t("users.edit")}</span></th>
        </tr>
      </thead>
      <tbody>
        {users.map((user) => (
          <tr key={user.id} data-user={user.name} class={user.disabled ? "dimmed" : ""}>
            <td><b>{user.name}</b></td>
            <td>{user.display_name}</td>
            <td class="grow">{user.roles.map((role) => t(`role.${role}`)).join(" · ")}</td>
            <td>{scopeText(user)}</td>
            <td>{user.disabled ? <b>{t("users.disabled")}</b> : t("users.active")}</td>
            <td class="tight">{edit && <button type="button" onClick={() => edit(user)} aria-label={t("users.edit.title", { name: user.name })}>{t("users.edit")}</button>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function scopeText(user: Account): string {
  if (user.scope?.firm) return user.scope.firm;
  return user.scope?.areas?.length ? user.scope.areas.join(" ") : t("users.scope.all");
}
