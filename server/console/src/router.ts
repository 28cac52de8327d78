// The address bar: #/page/id?filters. Everything a person may want to keep or send on lives here.
import { Store, useStore } from "./store";

export interface Route {
  path: string[];
  query: URLSearchParams;
}

export function readRoute(): Route {
  const text = location.hash.replace(/^#\/?/, "");
  const at = text.indexOf("?");
  const path = (at < 0 ? text : text.slice(0, at)).split("/").filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { path, query: new URLSearchParams(at < 0 ? "" : text.slice(at + 1)) };
}

// Somebody typed /alarms: the same as /#/alarms.
if (location.pathname !== "/" && location.hash === "") {
  history.replaceState(null, "", `/#${location.pathname}${location.search}`);
}

export const route = new Store<Route>(readRoute());
addEventListener("hashchange", () => route.set(readRoute()));

export function useRoute(): Route {
  return useStore(route);
}

export function href(path: string, query?: Record<string, string>): string {
  const text = query ? new URLSearchParams(query).toString() : "";
  return `#/${path}${text ? `?${text}` : ""}`;
}

export function go(path: string, query?: Record<string, string>): void {
  location.hash = href(path, query);
}

/** Changes filters in place: the page stays, the Back key does not collect every letter typed. */
export function setQuery(changes: Record<string, string | null>): void {
  const now = readRoute();
  for (const [name, value] of Object.entries(changes)) {
    if (value) now.query.set(name, value);
    else now.query.delete(name);
  }
  const text = now.query.toString();
  history.replaceState(null, "", `#/${now.path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`);
  route.set(now);
}
