// Who is signed in, and everything that starts and stops with that: feed, alarms, pending acknowledgements.
import { api, ApiError, onUnauthorized } from "./api";
import { startAlarms, stopAlarms } from "./alarms";
import { onFeedRefused, startFeed, stopFeed } from "./events";
import { suggestLanguage } from "./i18n";
import { startPending, stopPending } from "./pending";
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
    enter((await api.me()).user);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      session.set({ phase: "out", user: null, expired: false });
      return;
    }
    session.set({ phase: "unreachable", user: null, expired: false });
    retry = setTimeout(() => void findSession(), 3_000);
  }
}

function enter(user: User): void {
  suggestLanguage(user.language);
  session.set({ phase: "in", user, expired: false });
  startFeed();
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

export function hasRole(user: User | null, ...roles: Role[]): boolean {
  return user !== null && user.roles.some((role) => roles.includes(role));
}
