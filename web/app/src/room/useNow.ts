import { useEffect, useReducer } from "react";
import type { Room } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { closesAt, type Row } from "./rows.js";

/** Browsers wait for no longer than 24 days. */
const LONGEST_MS = 3_600_000;

/** The present time by the server's clock, told anew at the moment that `next` names, which is later. */
export function useNow(next: (now: number) => number): number {
  const [looks, look] = useReducer((before: number) => before + 1, 0);
  const now = chat.people.clock.now();
  const at = next(now);
  useEffect(() => {
    const timer = setTimeout(look, Math.min(Math.max(0, at - chat.people.clock.now()), LONGEST_MS));
    return () => clearTimeout(timer);
  }, [at, looks]);
  // The first frame of each connection tells the server's time.
  useEffect(() => chat.on("connection", look), []);
  return now;
}

/** Whole seconds until then; what began counts. */
export const secondsUntil = (until: number, now: number) => Math.ceil((until - now) / 1_000);

/** When they are fewer by one. */
export const nextSecond = (until: number, now: number) => (until > now ? until - (secondsUntil(until, now) - 1) * 1_000 : Infinity);

/** How long an own message may be changed; rooms may have a time of their own. */
export function useEditWindow(room: Room): number {
  const everywhere = useChat("connection", () => chat.messages.limits.editWindowSeconds);
  return (room.editWindowSeconds ?? everywhere) * 1_000;
}

/** The present time, told anew when one of these messages can be changed no more. */
export function useNowFor(rows: readonly Row[], windowMs: number): number {
  return useNow((now) => {
    const ends = rows.map((row) => (row.kind === "bubble" ? closesAt(row, windowMs) : 0));
    return ends.reduce((first, end) => (end > now && end < first ? end : first), Infinity);
  });
}
