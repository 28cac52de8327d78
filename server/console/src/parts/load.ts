// Reading from the API into a page: loading, the value, the error in words, reading again; an old answer never
// replaces a newer one, and the last good value stays on screen while the server is away.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Loaded<T> {
  value: T | null;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

export function useLoad<T>(read: () => Promise<T>, keys: unknown[]): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; error: unknown; loading: boolean; keys: string }>({
    value: null, error: null, loading: true, keys: "",
  });
  const turn = useRef(0);
  const newest = useRef(read);
  newest.current = read;
  const name = JSON.stringify(keys);

  const run = useCallback(() => {
    const mine = ++turn.current;
    setState((old) => (old.keys === name ? { ...old, loading: true } : { value: null, error: null, loading: true, keys: name }));
    newest.current().then(
      (value) => mine === turn.current && setState({ value, error: null, loading: false, keys: name }),
      (error: unknown) => mine === turn.current && setState((old) => ({ ...old, error, loading: false })),
    );
  }, [name]);

  useEffect(() => {
    run();
    return () => {
      turn.current += 1;
    };
  }, [run]);

  const fresh = state.keys === name;
  return { value: fresh ? state.value : null, error: fresh ? state.error : null, loading: !fresh || state.loading, reload: run };
}

/** Calls `action` at most once per `pause_ms`, the last call never lost. */
export function useThrottled(action: () => void, pause_ms: number): () => void {
  const newest = useRef(action);
  newest.current = action;
  const last = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    if (timer.current) return;
    const wait = Math.max(0, last.current + pause_ms - Date.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      last.current = Date.now();
      newest.current();
    }, wait);
  }, [pause_ms]);
}
