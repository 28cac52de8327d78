// Small marks that tell a state by shape, letter and colour together: priority, alarm state, stage, mode, silence.
import { t, tOr } from "../i18n";
import type { AlarmState, Priority, Stage } from "../types";

const SHAPES: Record<Priority, string> = {
  1: "M12 0.8 L23.2 12 L12 23.2 L0.8 12 Z",
  2: "M12 1.2 L23.5 22.5 L0.5 22.5 Z",
  3: "M2 2 H22 V22 H2 Z",
  4: "M12 1.5 A10.5 10.5 0 1 1 11.99 1.5 Z",
};

/** Diamond, triangle, square, circle; with the priority's letter. `waiting` marks the unacknowledged ones. */
export function PriorityMark({ priority, waiting = false }: { priority: Priority; waiting?: boolean }) {
  const word = t(`priority.${priority}`);
  return (
    <svg class={`prio p${priority}${waiting ? " waiting" : ""}`} viewBox="0 0 24 24" role="img"
      aria-label={t("priority.of", { word })}>
      <title>{word}</title>
      <path d={SHAPES[priority]} />
      <text x="12" y={priority === 2 ? 20 : 16.2} text-anchor="middle">{t(`priority.letter.${priority}`)}</text>
    </svg>
  );
}

export function StateChip({ state, provisional = false, pending = false }: {
  state: AlarmState; provisional?: boolean; pending?: boolean;
}) {
  const kind = pending ? "pending" : provisional ? "provisional" : state;
  return <span class={`state s-${kind}`}>{t(`state.${kind}`)}</span>;
}

export function StageText({ stage }: { stage: Stage }) {
  return <span class={stage === "in_service" ? "" : "stage-off"}>{t(`stage.${stage}`)}</span>;
}

/** The service mode in words; anything but normal is marked. */
export function ModeText({ mode }: { mode: number | null }) {
  if (mode === null) return <span class="dim">{t("unknown")}</span>;
  return <span class={mode === 1 ? "" : "abnormal"}>{tOr(`mode.${mode}`, String(mode))}</span>;
}

export function Trapped({ row }: { row: { people_trapped: boolean } }) {
  return row.people_trapped ? <span class="trapped-chip">{t("trapped.title")}</span> : null;
}
