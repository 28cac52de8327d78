// The typed client of /api/v1: one function per operation, errors as ApiError with the server's own words.
import type {
  Account, Alarm, AlarmDetail, Area, Lift, LiftRow, Me, Overview, Page, Party, Problem, Readings, Refusal, Role, UnknownDevice,
} from "./types";
import { clockHeard } from "./clock";
import { language, t } from "./i18n";

const BASE = "/api/v1";

/** A failed request. `status` 0 means that no answer came at all. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly problem: Problem | null) {
    super(problem?.detail || problem?.title || `HTTP ${status}`);
  }
  /** Worth repeating unchanged: nothing answered, or the server said that it can't just now. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

let unauthorized: () => void = () => undefined;
/** Called whenever the server says that there is no session (any more). */
export function onUnauthorized(action: () => void): void {
  unauthorized = action;
}

type Query = Record<string, string | number | boolean | null | undefined>;
interface Options {
  query?: Query;
  body?: unknown;
  key?: string;
  signal?: AbortSignal;
  quiet401?: boolean;
  bearer?: string;
  /** Called with the answer's Location. */
  location?: (address: string) => void;
  timeoutMs?: number;
}

export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const url = BASE + path + queryText(options.query);
  const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": language.get() };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.bearer) headers["Authorization"] = `Bearer ${options.bearer}`;
  if (options.key) headers["Idempotency-Key"] = options.key;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), options.timeoutMs ?? 20_000);
  const stop = () => limit.abort();
  options.signal?.addEventListener("abort", stop);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      credentials: "same-origin",
      cache: "no-store",
      signal: limit.signal,
    });
    text = await response.text();
  } catch {
    throw new ApiError(0, null);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", stop);
  }
  clockHeard(response.headers.get("Date"));
  if (!response.ok) {
    if (response.status === 401 && !options.quiet401) unauthorized();
    throw new ApiError(response.status, parse<Problem>(text));
  }
  options.location?.(response.headers.get("Location") ?? "");
  if (response.status === 204 || text === "") return undefined as T;
  const value = parse<T>(text);
  if (value === null) throw new ApiError(502, { title: "the answer is not JSON" });
  return value;
}

function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

function queryText(query: Query | undefined): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") out.set(name, String(value));
  }
  const text = out.toString();
  return text ? `?${text}` : "";
}

/** Reads a whole list, page by page, up to `most` items. */
async function whole<T>(path: string, query: Query, most = 20_000): Promise<T[]> {
  const items: T[] = [];
  let after: string | null = null;
  do {
    const page: Page<T> = await request("GET", path, { query: { limit: 1000, ...query, after } });
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < most);
  return items;
}

/** A fresh key for a change that may be sent more than once. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What a user may see: the named areas (none: everything), or the lifts of one firm. */
export type Scope = { areas: string[]; firm?: null } | { firm: string; areas?: null };
export interface NewUser {
  name: string;
  display_name: string;
  roles: Role[];
  password: string;
  scope: Scope;
}
export interface UserChange {
  display_name?: string;
  roles?: Role[];
  disabled?: boolean;
  new_password?: string;
  scope?: Scope;
}

export const api = {
  signIn: (name: string, password: string) =>
    request<{ user: Me["user"] }>("POST", "/session", { body: { name, password }, quiet401: true }),
  openWallboard: (token: string) =>
    request<{ user: Me["user"] }>("POST", "/session/wallboard", { body: {}, bearer: token, quiet401: true }),
  signOut: () => request<void>("DELETE", "/session", { quiet401: true }),
  me: () => request<Me>("GET", "/me", { quiet401: true, timeoutMs: 8_000 }),
  setLanguage: (language: string) => request<unknown>("PATCH", "/me", { body: { language } }),
  overview: (area?: string) => request<Overview>("GET", "/overview", { query: { area } }),
  areas: () => whole<Area>("/areas", {}),
  firms: () => whole<Party>("/parties", { kind: "maintenance_firm" }),
  lifts: (query: { stage?: string; area?: string; q?: string; after?: string | null; limit?: number }) =>
    request<Page<LiftRow>>("GET", "/lifts", { query }),
  allLifts: () => whole<LiftRow>("/lifts", {}),
  lift: (id: number) => request<Lift>("GET", `/lifts/${id}`),
  readings: (id: number, from: Date, to: Date, points: number) =>
    request<Readings>("GET", `/lifts/${id}/readings`, {
      query: { from: from.toISOString(), to: to.toISOString(), points },
    }),
  openAlarms: (after: string | null) =>
    request<Page<Alarm>>("GET", "/alarms", { query: { state: "open", limit: 500, after } }),
  alarmsOf: (lift: number, code: number) =>
    request<Page<Alarm>>("GET", "/alarms", { query: { state: "all", lift, code, limit: 50 } }),
  history: (query: { priority?: string; after?: string | null; limit?: number }) =>
    request<Page<Alarm>>("GET", "/alarms", { query: { state: "all", ...query } }),
  alarm: (id: number) => request<AlarmDetail>("GET", `/alarms/${id}`),
  acknowledge: (id: number, comment: string, key: string) =>
    request<unknown>("POST", `/alarms/${id}/acknowledge`, { body: comment ? { comment } : {}, key, timeoutMs: 8_000 }),
  comment: (id: number, comment: string, key: string) =>
    request<unknown>("POST", `/alarms/${id}/comment`, { body: { comment }, key }),
  refusals: (query: { reason?: string; device?: string; state?: string; after?: string | null; limit?: number }) =>
    request<Page<Refusal>>("GET", "/refusals", { query }),
  refusal: (id: number) => request<Refusal>("GET", `/refusals/${id}`),
  unknownDevices: () => whole<UnknownDevice>("/unknown-devices", {}),
  land: (device: string) =>
    request<{ requested: number }>("POST", `/unknown-devices/${encodeURIComponent(device)}/land`, { body: {} }),
  registerDevice: (device: { device: string; area: string; units: { unit: number; lift_id: number }[] }) =>
    request<unknown>("POST", "/devices", { body: device }),
  users: () => whole<Account>("/users", {}),
  addUser: (user: NewUser) => request<unknown>("POST", "/users", { body: user }),
  addWallboard: async (wall: { name: string; display_name: string; areas: string[] }) => {
    let address = "";
    await request<unknown>("POST", "/wallboards", { body: wall, location: (place) => (address = place) });
    return address;
  },
  changeUser: (id: number, change: UserChange) => request<unknown>("PATCH", `/users/${id}`, { body: change }),
};

/** Problems whose title, which the server gives in the reader's language, says it all. */
const PLAIN = new Set(["name_taken", "last_admin", "not_registered", "wrong_state", "no_session", "forbidden", "not_found"]);

/** An error in the reader's words: the server's where it gave any, else ours by kind. */
export function errorWords(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const { status, problem } = error;
  if (status === 0) return t("error.network");
  const known: Record<number, string> = {
    401: t("error.401"), 403: t("error.403"), 404: t("error.404"), 413: t("error.413"),
    429: t("error.429"), 500: t("error.500"), 502: t("error.503"), 503: t("error.503"), 504: t("error.503"),
  };
  const head = known[status] || problem?.title || `HTTP ${status}`;
  const fields = (problem?.errors ?? []).map((one) => `${one.field ?? ""}: ${one.message ?? one.detail ?? one.code ?? ""}`);
  const detail = problem?.detail && problem.detail !== head && !PLAIN.has(problem.code ?? "") ? problem.detail : "";
  return [head, detail, ...fields].filter(Boolean).join(t("list.join"));
}
