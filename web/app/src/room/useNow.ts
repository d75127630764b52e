import { useEffect, useState } from "react";
import { canChange, type Row } from "./rows.js";

/** The present time, renewed at the given pace. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

const PACE_MS = 15_000;
/** The last of the time is told in seconds. */
const LAST_MS = 90_000;

/** The present time, as exact as it matters to who may still change one of these messages. */
export function useNowFor(rows: readonly Row[], windowMs: number): number {
  const now = useNow(PACE_MS);
  // Known before the next look.
  const isClosing = (row: Row) => row.kind === "bubble" && canChange(row, Date.now(), windowMs) && !canChange(row, Date.now() + LAST_MS + PACE_MS, windowMs);
  const exact = useNow(rows.some(isClosing) ? 1_000 : 3_600_000);
  return Math.max(now, exact);
}
