import type { OutboxItem, Room, RoomView } from "@chat/sdk";
import { chat } from "../chat.js";
import { durationOf, momentOf } from "../format.js";
import { mayManage } from "./powers.js";
import { useNow } from "./useNow.js";

/** Why nothing can be sent just now, or how often it can; the server has the last word. */
export interface Hold {
  text: string;
  blocks: boolean;
}

export function useHold(room: Room, view: RoomView | null, me: string, blocks: boolean): Hold | null {
  const slow = mayManage(room) || room.kind === "direct" ? 0 : (room.slowModeSeconds ?? 0);
  const muted = Math.max(view?.mutedUntil ?? 0, room.mutedUntil ? Date.parse(room.mutedUntil) : 0);
  const now = useNow(slow > 0 || muted > 0 ? 1_000 : 3_600_000);
  if (blocks) return { text: "You block this person: unblock in the settings to write again.", blocks: true };
  if (muted > now) {
    return { text: `You are muted until ${momentOf(new Date(muted).toISOString())}: you can read, and write again then.`, blocks: true };
  }
  if (slow === 0) return null;
  const last = view?.entries.findLast((entry) => entry.kind === "draft" || entry.message.userId === me);
  const since = last ? (last.kind === "draft" ? composed(last.draft) : Date.parse(last.message.createdAt)) : -Infinity;
  const wait = Math.ceil((since + slow * 1_000 - now) / 1_000);
  if (wait > 0) return { text: `Slow mode: you can send again in ${durationOf(wait)}.`, blocks: true };
  return { text: `Slow mode: one message every ${durationOf(slow)}`, blocks: false };
}

/** By this device's clock it was; told by the server's. */
const composed = ({ composedAt }: OutboxItem) => Date.parse(composedAt) + chat.people.clock.now() - Date.now();
