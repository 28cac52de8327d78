// Sound until acknowledged: a pattern per priority made with WebAudio, a mute that ends by itself, and an honest state
// for browsers that keep a page silent until it has been clicked.
import { Store } from "./store";

export type Ringing = 0 | 1 | 2 | 3 | "feed";
export interface SoundState {
  /** blocked: the browser wants a click first; none: this browser has no WebAudio. */
  device: "blocked" | "ready" | "none";
  ringing: Ringing;
  muted_until: number;
}
export const MUTE_MS = 10 * 60_000;
const STORED = "liftd.muted_until";

export const sound = new Store<SoundState>({ device: "blocked", ringing: 0, muted_until: storedMute() });

let context: AudioContext | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

/** One pattern: tones (hertz, start and length in seconds), and the pause before it sounds again. */
interface Pattern {
  tones: [number, number, number][];
  every_ms: number;
  gain: number;
}
const PATTERNS: Record<string, Pattern> = {
  1: { tones: [[988, 0, 0.16], [740, 0.2, 0.16], [988, 0.4, 0.16], [740, 0.6, 0.16]], every_ms: 2_000, gain: 0.5 },
  2: { tones: [[784, 0, 0.18], [784, 0.28, 0.18]], every_ms: 5_000, gain: 0.35 },
  3: { tones: [[587, 0, 0.2]], every_ms: 15_000, gain: 0.25 },
  feed: { tones: [[330, 0, 0.25], [262, 0.3, 0.4]], every_ms: 8_000, gain: 0.35 },
};

function storedMute(): number {
  try {
    const until = Number(localStorage.getItem(STORED) ?? 0);
    return until > Date.now() && until <= Date.now() + MUTE_MS ? until : 0;
  } catch {
    return 0;
  }
}

function note(): void {
  sound.patch({ device: context === null ? "blocked" : context.state === "running" ? "ready" : "blocked" });
}

/** Tries to make sound possible; works only from a click or a key press. */
export function enableSound(): void {
  if (typeof AudioContext === "undefined") {
    sound.patch({ device: "none" });
    return;
  }
  if (!context) {
    context = new AudioContext();
    context.addEventListener("statechange", note);
  }
  context.resume().then(note, note);
  note();
}

/** Any click or key makes sound possible; on the button that asks for it, its own click does. */
function touched(event: Event): void {
  if (sound.get().device !== "blocked") return;
  if (event.target instanceof Element && event.target.closest(".sound-blocked")) return;
  enableSound();
}
addEventListener("pointerdown", touched, { capture: true });
addEventListener("keydown", touched, { capture: true });

/** Mutes for ten minutes, or ends the mute. */
export function toggleMute(): void {
  setMute(sound.get().muted_until > Date.now() ? 0 : Date.now() + MUTE_MS);
}
function setMute(until: number): void {
  try {
    localStorage.setItem(STORED, String(until));
  } catch {
    // storage refused: the mute then lasts as long as the page
  }
  sound.patch({ muted_until: until });
  play();
}

/** What should sound now. A new alarm of the highest priority ends a mute: it must be heard. */
export function ring(what: Ringing, newUrgent: boolean): void {
  if (newUrgent && sound.get().muted_until > 0) setMute(0);
  if (sound.get().ringing === what) return;
  sound.patch({ ringing: what });
  play();
}

function play(): void {
  clearTimeout(timer);
  const { ringing, muted_until } = sound.get();
  if (muted_until && muted_until <= Date.now()) sound.patch({ muted_until: 0 });
  const pattern = PATTERNS[ringing];
  if (!pattern) return;
  if (muted_until <= Date.now()) sing(pattern);
  timer = setTimeout(play, pattern.every_ms);
}

function sing(pattern: Pattern): void {
  if (!context || context.state !== "running") return;
  const start = context.currentTime + 0.02;
  for (const [hertz, at, length] of pattern.tones) {
    const tone = context.createOscillator();
    const level = context.createGain();
    tone.type = "triangle";
    tone.frequency.value = hertz;
    level.gain.setValueAtTime(0.0001, start + at);
    level.gain.exponentialRampToValueAtTime(pattern.gain, start + at + 0.02);
    level.gain.setValueAtTime(pattern.gain, start + at + length - 0.03);
    level.gain.exponentialRampToValueAtTime(0.0001, start + at + length);
    tone.connect(level).connect(context.destination);
    tone.start(start + at);
    tone.stop(start + at + length + 0.02);
  }
}
