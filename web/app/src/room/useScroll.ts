// Keeps the eye where it is: at the newest message while one reads there, and
// on the same message while older ones come in above.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Within this many pixels of the end one counts as reading the newest. */
const NEAR_END = 48;
/** Older messages are asked for this far before the top. */
const NEAR_TOP = 600;

interface ScrollOptions {
  firstKey: string | undefined;
  /** Changes whenever the content may have a new height. */
  content: unknown;
  /** Null while nothing older can be asked for. */
  loadOlder: (() => void) | null;
}

export function useScroll({ firstKey, content, loadOlder }: ScrollOptions) {
  const ref = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const fromEnd = useRef(0);
  const knownFirst = useRef(firstKey);
  const [atEnd, setAtEnd] = useState(true);

  const measure = useCallback(() => {
    const el = ref.current!;
    fromEnd.current = el.scrollHeight - el.scrollTop;
    following.current = fromEnd.current - el.clientHeight <= NEAR_END;
    setAtEnd(following.current);
  }, []);

  const onScroll = useCallback(() => {
    measure();
    if (ref.current!.scrollTop < NEAR_TOP) loadOlder?.();
  }, [measure, loadOlder]);

  const jumpToEnd = useCallback(() => {
    const el = ref.current!;
    following.current = true;
    el.scrollTop = el.scrollHeight;
    measure();
  }, [measure]);

  useLayoutEffect(() => {
    const el = ref.current!;
    if (following.current) el.scrollTop = el.scrollHeight;
    else if (knownFirst.current !== firstKey) el.scrollTop = el.scrollHeight - fromEnd.current;
    knownFirst.current = firstKey;
    measure();
  }, [firstKey, content, measure]);

  // A page too short to scroll would never ask for the next one.
  useEffect(() => {
    if (ref.current!.scrollTop < NEAR_TOP) loadOlder?.();
  }, [content, loadOlder]);

  // The composer grows, the keyboard of a phone opens: the end stays in sight.
  useEffect(() => {
    const el = ref.current!;
    const observer = new ResizeObserver(() => {
      if (following.current) el.scrollTop = el.scrollHeight;
      measure();
    });
    observer.observe(el);
    return () => observer.disconnect();
  }, [measure]);

  return { ref, atEnd, onScroll, jumpToEnd };
}
