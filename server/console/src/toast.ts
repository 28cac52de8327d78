// Short messages at the foot of the screen: what just happened, or why it did not.
import { Store } from "./store";

export interface Toast {
  id: number;
  kind: "good" | "bad";
  text: string;
}
export const toasts = new Store<Toast[]>([]);
let last = 0;

export function toast(kind: Toast["kind"], text: string): void {
  const id = ++last;
  toasts.set([...toasts.get().slice(-3), { id, kind, text }]);
  setTimeout(() => dropToast(id), kind === "bad" ? 12_000 : 4_000);
}
export function dropToast(id: number): void {
  toasts.set(toasts.get().filter((one) => one.id !== id));
}
