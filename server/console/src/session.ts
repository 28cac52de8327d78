// Who is signed in, and everything that starts and stops with that: feed, alarms, pending acknowledgements.
import { api, ApiError, onUnauthorized } from "./api";
import { startAlarms, stopAlarms } from "./alarms";
import { onFeedRefused, startFeed, stopFeed } from "./events";
import { language, setLanguage, suggestLanguage } from "./i18n";
import { startPending, stopPending } from "./pending";
import { readRoute, route } from "./router";
import { ring } from "./sound";
import { Store } from "./store";
import type { Role, User } from "./types";

export interface SessionState {
  phase: "unknown" | "unreachable" | "out" | "in";
  user: User | null;
  /** The session ended by itself, so the sign-in page says so. */
  expired: boolean;
}
export const session = new Store<SessionState>({ phase: "unknown", user: null, expired: false });
let retry: ReturnType<typeof setTimeout> | undefined;

/** Finds out who is signed in; while nobody answers, asks again. */
export async function findSession(): Promise<void> {
  clearTimeout(retry);
  try {
    const token = wallToken();
    const { user } = token ? await api.openWallboard(token).catch(() => api.me()) : await api.me();
    if (token) history.replaceState(null, "", "/#/wallboard");
    if (token) route.set(readRoute());
    enter(user);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      session.set({ phase: "out", user: null, expired: false });
      return;
    }
    session.set({ phase: "unreachable", user: null, expired: false });
    retry = setTimeout(() => void findSession(), 3_000);
  }
}

/** A wall screen's own address is /wallboard#TOKEN; it opens a session without a password. */
function wallToken(): string | null {
  const token = location.hash.slice(1);
  return location.pathname === "/wallboard" && /^[A-Za-z0-9_-]{20,100}$/.test(token) ? token : null;
}

function enter(user: User): void {
  suggestLanguage(user.language);
  session.set({ phase: "in", user, expired: false });
  startFeed(user.id);
  startAlarms();
  startPending(user.id);
}

function leave(expired: boolean): void {
  stopPending();
  stopAlarms();
  stopFeed();
  ring(0, false);
  session.set({ phase: "out", user: null, expired });
}

export async function signIn(name: string, password: string): Promise<void> {
  enter((await api.signIn(name, password)).user);
}

export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } finally {
    leave(false);
  }
}

const expire = () => {
  if (session.get().phase === "in") leave(true);
};
onUnauthorized(expire);
onFeedRefused(expire);

/** The other language, here and for this account (which the server's own words follow). */
export function switchLanguage(): void {
  const next = language.get() === "zh" ? "en" : "zh";
  setLanguage(next);
  if (session.get().phase === "in") api.setLanguage(next).catch(() => undefined);
}

export function hasRole(user: User | null, ...roles: Role[]): boolean {
  return user !== null && user.roles.some((role) => roles.includes(role));
}

// As the server grants it; the buttons follow, the server decides.
export function mayAcknowledge(user: User | null): boolean {
  return hasRole(user, "dispatcher", "admin");
}
export function mayComment(user: User | null): boolean {
  return hasRole(user, "dispatcher", "planner", "technician", "admin");
}
export function maySeeRefusals(user: User | null): boolean {
  return hasRole(user, "dispatcher", "auditor", "admin");
}
export function mayRegister(user: User | null): boolean {
  return hasRole(user, "dispatcher", "admin");
}
export function maySeeUsers(user: User | null): boolean {
  return hasRole(user, "auditor", "admin");
}
