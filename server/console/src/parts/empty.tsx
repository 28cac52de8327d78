// What stands where nothing is: what that means and what to do next; and errors with a way on.
import type { ComponentChildren } from "preact";
import { errorWords } from "../api";
import { t } from "../i18n";

export function Empty({ title, next, children }: { title: string; next?: string; children?: ComponentChildren }) {
  return (
    <div class="empty" role="status">
      <p class="empty-title">{title}</p>
      {next && <p>{next}</p>}
      {children && <p class="empty-actions">{children}</p>}
    </div>
  );
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <span>{t("error.read", { why: errorWords(error) })}</span>
      {retry && <button type="button" onClick={retry}>{t("retry")}</button>}
    </div>
  );
}

export function Loading() {
  return <p class="loading" role="status">{t("loading")}</p>;
}
