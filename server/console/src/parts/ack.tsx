// The two things a person says to an alarm: 'I have it' with a comment, and a comment alone.
import { useState } from "preact/hooks";
import type { Row } from "../alarms";
import { want } from "../alarms";
import { api, errorWords, newKey } from "../api";
import { alarmText, alarmWhere } from "../format";
import { nameOf, t } from "../i18n";
import { acknowledge } from "../pending";
import { toast } from "../toast";
import { PriorityMark } from "./chips";
import { Dialog } from "./dialog";

function What({ row }: { row: Row }) {
  return (
    <p class="what">
      <PriorityMark priority={row.priority} />
      <span><b>{alarmWhere(row)}</b><br />{nameOf(row)} {alarmText(row)}</span>
    </p>
  );
}

export function AckDialog({ row, close }: { row: Row; close: () => void }) {
  const [comment, setComment] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    acknowledge(row, comment.trim());
    close();
  };
  return (
    <Dialog title={t("ack.title")} close={close}>
      <form onSubmit={submit}>
        <What row={row} />
        <label>{t("ack.comment")}
          <input data-first type="text" maxLength={1000} value={comment} autocomplete="off"
            onInput={(event) => setComment(event.currentTarget.value)} />
        </label>
        <footer>
          <span class="dim">{t("ack.hint")}</span>
          <button type="button" onClick={close}>{t("cancel")}</button>
          <button type="submit" class="primary">{t("ack.do")}</button>
        </footer>
      </form>
    </Dialog>
  );
}

export function CommentDialog({ row, close }: { row: Row; close: () => void }) {
  const [comment, setComment] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!comment.trim()) {
      setError(t("comment.need"));
      return;
    }
    setBusy(true);
    try {
      await api.comment(row.id, comment.trim(), key);
      toast("good", t("comment.done"));
      want(row.id);
      close();
    } catch (failure) {
      setError(errorWords(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("comment.title")} close={close}>
      <form onSubmit={(event) => void submit(event)}>
        <What row={row} />
        <label>{t("comment.text")}
          <textarea data-first rows={3} maxLength={1000} value={comment} aria-invalid={error !== ""}
            onInput={(event) => setComment(event.currentTarget.value)} />
        </label>
        {error && <p class="form-error" role="alert">{error}</p>}
        <footer>
          <button type="button" onClick={close}>{t("cancel")}</button>
          <button type="submit" class="primary" disabled={busy}>{t("save")}</button>
        </footer>
      </form>
    </Dialog>
  );
}
