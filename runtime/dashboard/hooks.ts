/** What parts of the page have in common. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { State, Store } from "./store.ts";

/** The state of `store`, drawn again with every change. */
export function useStore(store: Store): State {
  const [, draw] = useState(0);
  useEffect(() => store.listen(() => draw((count) => count + 1)), [store]);
  return store.state;
}

/** Pixels that an element has across and down, and where to put its reference. */
export function useSize<Kind extends HTMLElement>(): [reference: { current: Kind | null }, width: number, height: number] {
  const reference = useRef<Kind>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const { current } = reference;
    if (current === null) return;
    const measure = (): void => setSize({ width: current.clientWidth, height: current.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return [reference, size.width, size.height];
}
