// Keeps the eye where it is: at the newest message while one reads there, and
// on the same message while older ones come in above.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Within this many pixels of the end one counts as reading the newest. */
const NEAR_END = 48;
/** More messages are asked for this far before the top, or the end of what is loaded. */
const NEAR_EDGE = 600;

interface ScrollOptions {
  firstKey: string | undefined;
  /** Changes whenever the content may have a new height. */
  content: unknown;
  /** Its end is not the room's: nothing follows it. */
  detached: boolean;
  /** Null while nothing older can be asked for. */
  loadOlder: (() => void) | null;
  loadNewer: (() => void) | null;
}

export function useScroll({ firstKey, content, detached, loadOlder, loadNewer }: ScrollOptions) {
  const ref = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const fromEnd = useRef(0);
  const knownFirst = useRef(firstKey);
  const [atEnd, setAtEnd] = useState(true);

  const measure = useCallback(() => {
    const el = ref.current!;
    fromEnd.current = el.scrollHeight - el.scrollTop;
    following.current = !detached && fromEnd.current - el.clientHeight <= NEAR_END;
    setAtEnd(following.current);
  }, [detached]);

  const askAtEdges = useCallback(() => {
    const el = ref.current!;
    if (el.scrollTop < NEAR_EDGE) loadOlder?.();
    if (el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_EDGE) loadNewer?.();
  }, [loadOlder, loadNewer]);

  const onScroll = useCallback(() => {
    measure();
    askAtEdges();
  }, [measure, askAtEdges]);

  const jumpToEnd = useCallback(() => {
    const el = ref.current!;
    following.current = true;
    el.scrollTop = el.scrollHeight;
    // Elsewhere, the end is yet to come.
    if (!detached) measure();
  }, [measure, detached]);

  /** Brings one message before the eye, and lets it stay there. */
  const showOne = useCallback((el: HTMLElement) => {
    following.current = false;
    el.scrollIntoView({ block: "center" });
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
  useEffect(askAtEdges, [content, askAtEdges]);

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

  return { ref, atEnd, onScroll, jumpToEnd, showOne };
}
