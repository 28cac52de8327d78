// A value that can be watched: the one kind of shared state in the console.
import { useEffect, useReducer } from "preact/hooks";

export class Store<T> {
  private watchers = new Set<() => void>();
  constructor(private value: T) {}

  get(): T {
    return this.value;
  }
  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const watcher of [...this.watchers]) watcher();
  }
  patch(part: Partial<T>): void {
    this.set({ ...this.value, ...part });
  }
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

/** The store's value; the component renders again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, again] = useReducer((n: number, _: void) => n + 1, 0);
  const seen = store.get();
  useEffect(() => {
    const watcher = () => again();
    if (!Object.is(store.get(), seen)) again();
    return store.watch(watcher);
  }, [store]);
  return store.get();
}
