import { useEffect, useState } from "react";
import type { Room } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { canChange, type Row } from "./rows.js";

/** The present time by the server's clock, renewed at the given pace. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => chat.people.clock.now());
  useEffect(() => {
    const look = () => setNow(chat.people.clock.now());
    const timer = setInterval(look, everyMs);
    // The first frame of each connection tells the server's time.
    const stop = chat.on("connection", look);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [everyMs]);
  return now;
}

/** How long an own message may be changed; rooms may have a time of their own. */
export function useEditWindow(room: Room): number {
  const everywhere = useChat("connection", () => chat.messages.limits.editWindowSeconds);
  return (room.editWindowSeconds ?? everywhere) * 1_000;
}

const PACE_MS = 15_000;
/** The last of the time is told in seconds. */
const LAST_MS = 90_000;

/** The present time, as exact as it matters to who may still change one of these messages. */
export function useNowFor(rows: readonly Row[], windowMs: number): number {
  const now = useNow(PACE_MS);
  // Known before the next look.
  const soon = chat.people.clock.now();
  const isClosing = (row: Row) => row.kind === "bubble" && canChange(row, soon, windowMs) && !canChange(row, soon + LAST_MS + PACE_MS, windowMs);
  const exact = useNow(rows.some(isClosing) ? 1_000 : 3_600_000);
  return Math.max(now, exact);
}
