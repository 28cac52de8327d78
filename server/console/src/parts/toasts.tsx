// Shows the short messages.
import { dropToast, toasts } from "../toast";
import { t } from "../i18n";
import { useStore } from "../store";

export function Toasts() {
  const list = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {list.map((one) => (
        <div key={one.id} class={`toast ${one.kind}`}>
          <span>{one.text}</span>
          <button type="button" class="plain" aria-label={t("close")} onClick={() => dropToast(one.id)}>✕</button>
        </div>
      ))}
    </div>
  );
}
