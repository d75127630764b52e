import type { Mute, OutboxItem, Room, RoomView } from "@chat/sdk";
import { chat } from "../chat.js";
import { durationOf, endOf } from "../format.js";
import { mayManage } from "./powers.js";
import { nextSecond, secondsUntil, useNow } from "./useNow.js";

/** Why nothing can be sent just now, or how often it can; the server has the last word. */
export interface Hold {
  text: string;
  blocks: boolean;
  /** Nothing can be said at all: neither an edit nor a reaction. */
  silent: boolean;
}

export function useHold(room: Room, view: RoomView | null, me: string, blocks: boolean): Hold | null {
  const slow = mayManage(room) || room.kind === "direct" ? 0 : (room.slowModeSeconds ?? 0);
  const mute = muteIn(room, view);
  const last = slow > 0 ? view?.entries.findLast((entry) => entry.kind === "draft" || entry.message.userId === me) : undefined;
  const sent = last ? (last.kind === "draft" ? composed(last.draft) : Date.parse(last.message.createdAt)) : -Infinity;
  const free = sent + slow * 1_000;
  const now = useNow((now) => (mute && mute.until > now ? mute.until : nextSecond(free, now)));
  if (blocks) return { text: "You block this person: unblock in the settings to write again.", blocks: true, silent: true };
  if (mute && mute.until > now) return { text: textOf(mute), blocks: true, silent: true };
  if (slow === 0) return null;
  if (free > now) return { text: `Slow mode: you can send again in ${durationOf(secondsUntil(free, now))}.`, blocks: true, silent: false };
  return { text: `Slow mode: one message every ${durationOf(slow)}`, blocks: false, silent: false };
}

/** As the room told it; before it told anything, as the list of rooms did. */
function muteIn(room: Room, view: RoomView | null): Mute | null {
  if (view && view.mute !== undefined) return view.mute;
  return room.mutedUntil ? { until: Date.parse(room.mutedUntil), reason: room.muteReason } : null;
}

function textOf({ until, reason }: Mute): string {
  return `You are muted until ${endOf(until)}: you can read, and write again then.${reason ? ` The reason: ${reason}` : ""}`;
}

/** By this device's clock it was; told by the server's. */
const composed = ({ composedAt }: OutboxItem) => Date.parse(composedAt) + chat.people.clock.now() - Date.now();
