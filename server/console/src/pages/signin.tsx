// Sign in: name and password, and what went wrong in words.
import { useState } from "preact/hooks";
import { ApiError, errorWords } from "../api";
import { language, t, useLanguage } from "../i18n";
import { session, signIn, switchLanguage } from "../session";
import { useStore } from "../store";

export function SignInPage() {
  useLanguage();
  const { phase, expired } = useStore(session);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (!name.trim() || !password) {
      setError(t("signin.need"));
      return;
    }
    setBusy(true);
    setError("");
    try {
      await signIn(name.trim(), password);
    } catch (failure) {
      const status = failure instanceof ApiError ? failure.status : -1;
      setError(status === 401 || status === 403 || status === 422 ? t("signin.wrong")
        : status === 429 ? t("signin.throttled") : errorWords(failure));
      setBusy(false);
      setPassword("");
    }
  };

  return (
    <main class="signin" id="main">
      <form onSubmit={(event) => void submit(event)} aria-labelledby="signin-title">
        <p class="brand">{t("app.name")}</p>
        <h1 id="signin-title">{t("signin.title")}</h1>
        {phase === "unreachable" && (
          <div class="form-error" role="alert"><b>{t("session.unreachable")}</b><br />{t("session.unreachable.detail")}</div>
        )}
        {expired && !error && <p class="form-note" role="status">{t("signin.expired")}</p>}
        <label>{t("signin.name")}
          <input name="username" type="text" autocomplete="username" autoCapitalize="none" spellcheck={false} autofocus value={name}
            onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>{t("signin.password")}
          <input name="password" type="password" autocomplete="current-password" value={password}
            onInput={(event) => setPassword(event.currentTarget.value)} />
        </label>
        {error && <p class="form-error" role="alert">{error}</p>}
        <button type="submit" class="primary" disabled={busy}>{busy ? t("signin.wait") : t("signin.submit")}</button>
        <button type="button" class="plain" data-test="language" title={t("language.switch")} lang={language.get() === "zh" ? "en" : "zh-CN"}
          onClick={switchLanguage}>{t("language.other")}</button>
      </form>
    </main>
  );
}
