// Turns a room's entries into what is drawn: lines between days and above what
// is new, and bubbles that know their neighbours.

import type { Message, OutboxItem, Room, RoomEntry, RoomView } from "@chat/sdk";
import { adviceOn, dayKey } from "../format.js";
import type { Changes } from "./MessageActions.js";
import { mayManage } from "./powers.js";

export interface BubbleRow {
  kind: "bubble";
  key: string;
  authorId: string;
  own: boolean;
  at: string;
  /** First and last of a run by one author: they carry the name and the corners. */
  first: boolean;
  last: boolean;
  message: Message | null;
  draft: OutboxItem | null;
}

export type Row = { kind: "day"; key: string; at: string } | { kind: "news"; key: string } | BubbleRow;

/** A pause after which the author is named again. */
const RUN_MS = 5 * 60_000;

/** The first message that came while nobody looked, where it is loaded. */
export function firstUnseen({ entries, hasOlder, unseen }: Pick<RoomView, "entries" | "hasOlder" | "unseen">, userId: string): string | null {
  if (!unseen) return null;
  const messages = entries.filter((entry) => entry.kind === "message");
  const first = messages.find(({ message }) => message.seq > unseen.after && message.seq <= unseen.to && message.userId !== userId);
  // Above the first that is loaded there may be more of them.
  return first && (first !== messages[0] || !hasOlder) ? first.key : null;
}

/** A line stands above the message of `newsKey`. */
export function buildRows(entries: readonly RoomEntry[], userId: string, newsKey: string | null = null): Row[] {
  const rows: Row[] = [];
  let previous: BubbleRow | null = null;
  for (const entry of entries) {
    const row = bubble(entry, userId);
    const sameDay: boolean = previous !== null && dayKey(previous.at) === dayKey(row.at);
    if (!sameDay) rows.push({ kind: "day", key: `day-${row.key}`, at: row.at });
    if (row.key === newsKey) rows.push({ kind: "news", key: "news" });
    else if (previous && sameDay && continues(previous, row)) {
      previous.last = false;
      row.first = false;
    }
    rows.push(row);
    previous = row;
  }
  return rows;
}

function bubble(entry: RoomEntry, userId: string): BubbleRow {
  const message = entry.kind === "message" ? entry.message : null;
  const draft = entry.kind === "draft" ? entry.draft : null;
  const authorId = message?.userId ?? userId;
  return {
    kind: "bubble",
    key: entry.key,
    authorId,
    own: authorId === userId,
    at: message?.createdAt ?? draft!.composedAt,
    first: true,
    last: true,
    message,
    draft,
  };
}

function continues(previous: BubbleRow, row: BubbleRow): boolean {
  return previous.authorId === row.authorId && Date.parse(row.at) - Date.parse(previous.at) < RUN_MS;
}

export function isEdited(message: Message): boolean {
  return !message.deletedAt && Date.parse(message.updatedAt) > Date.parse(message.createdAt);
}

/** The last second in which a message can be changed is for the way to the server. */
const WAY_MS = 1_000;

/** Until when an own message can be changed; over where it never can. */
export function closesAt({ own, message, at }: BubbleRow, windowMs: number): number {
  return own && message && !message.deletedAt ? Date.parse(at) + windowMs - WAY_MS : -Infinity;
}

const ARCHIVED = "This room is archived: nothing in it can be changed.";
const SILENT = "While you cannot write here, nothing can be changed either.";
const OVER = adviceOn("editWindowClosed", "");

/**
 * What the buttons offer; the server has the last word. Who looks after a room may change what is his own and delete
 * what anybody wrote there, at any time. Who may not write there still takes back what he wrote.
 */
export function changesOf(row: BubbleRow, room: Room, now: number, windowMs: number, silent: boolean): Changes {
  const always = mayManage(room);
  const until = closesAt(row, windowMs);
  const open = always || until > now;
  const closed = room.archivedAt ? ARCHIVED : silent ? SILENT : open ? null : OVER;
  const own = row.own && row.message !== null && !row.message.deletedAt;
  return { edit: own && closed === null, delete: open && !room.archivedAt, until: open && !always ? until : undefined, closed };
}
