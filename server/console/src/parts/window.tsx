// Windowed rendering of long flat lists: only the rows in sight are in the page, and the row a person looks at stays
// where it is when rows are added above it.
import type { ComponentChildren, RefObject } from "preact";
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props<T> {
  rows: T[];
  keyOf: (row: T) => string;
  row_px: number;
  render: (row: T, index: number) => ComponentChildren;
  scroller: RefObject<HTMLElement | null>;
}

const SPARE_ROWS = 8;

export function Windowed<T>({ rows, keyOf, row_px, render, scroller }: Props<T>) {
  const [view, setView] = useState({ top: 0, height: 900 });
  const body = useRef<HTMLDivElement>(null);
  const anchor = useRef<{ key: string; shift: number } | null>(null);

  const measure = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    const top = Math.max(0, box.scrollTop - (body.current?.offsetTop ?? 0));
    setView((old) => (old.top === top && old.height === box.clientHeight ? old : { top, height: box.clientHeight }));
  }, []);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return undefined;
    measure();
    box.addEventListener("scroll", measure, { passive: true });
    const watcher = new ResizeObserver(measure);
    watcher.observe(box);
    return () => {
      box.removeEventListener("scroll", measure);
      watcher.disconnect();
    };
  }, []);

  // Keep the first row in sight where it is, unless the list stands at its top (then new alarms should push in).
  useLayoutEffect(() => {
    const box = scroller.current;
    const kept = anchor.current;
    if (box && kept && view.top > 0) {
      const index = rows.findIndex((row) => keyOf(row) === kept.key);
      const wantedTop = index * row_px + kept.shift;
      if (index >= 0 && Math.abs(wantedTop - view.top) >= 1) box.scrollTop += wantedTop - view.top;
    }
  }, [rows]);

  const first = Math.max(0, Math.min(rows.length - 1, Math.floor(view.top / row_px)));
  const from = Math.max(0, first - SPARE_ROWS);
  const to = Math.min(rows.length, Math.ceil((view.top + view.height) / row_px) + SPARE_ROWS);
  useLayoutEffect(() => {
    const row = rows[first];
    anchor.current = row ? { key: keyOf(row), shift: view.top - first * row_px } : null;
  });

  return (
    <div ref={body} class="windowed" role="rowgroup" style={{ height: `${rows.length * row_px}px` }}>
      <div class="window" role="presentation" style={{ transform: `translateY(${from * row_px}px)` }}>
        {rows.slice(from, to).map((row, i) => render(row, from + i))}
      </div>
    </div>
  );
}
