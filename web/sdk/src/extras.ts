// What is told of a message beside its text: reactions, pins and the replies
// to it. Pages hold it whole; the log tells each change.

import { isMessageEvent, type LogEvent, type PinEvent, type ReactionEvent } from "./frames.js";
import type { Message, Reaction } from "./types.js";

/** As many as the server names. */
const NAMED = 20;
const PARTICIPANTS = 5;

/** The message that an event of the log tells something of beside its text; null for other events. */
export function concerned(event: LogEvent): string | null {
  const d = event.d as Partial<ReactionEvent & PinEvent & Message> | undefined;
  switch (event.t) {
    case "reaction.added":
    case "reaction.removed":
      return d?.id ?? null;
    case "message.pinned":
    case "message.unpinned":
      return d?.messageId ?? null;
    case "message.created":
      return d?.threadRoot ?? null;
    default:
      return null;
  }
}

/** The same event may be folded in again: a page that was read meanwhile may hold it, or not. */
export function folded(message: Message, event: LogEvent, me: string | null): Message {
  if (message.deletedAt) return message;
  switch (event.t) {
    case "reaction.added":
    case "reaction.removed": {
      const { userId, emoji } = event.d as ReactionEvent;
      return withReaction(message, emoji, userId, event.t === "reaction.added", me);
    }
    case "message.pinned":
      return { ...message, isPinned: true };
    case "message.unpinned": {
      const { isPinned: _, ...rest } = message;
      return rest;
    }
    default:
      return isMessageEvent(event) ? withReply(message, event.d, me) : message;
  }
}

/** Beyond those that are named nobody knows who it was, so that the number alone changes. */
export function withReaction(message: Message, emoji: string, userId: string, on: boolean, me: string | null): Message {
  const reactions = message.reactions ?? [];
  const before = reactions.find((reaction) => reaction.emoji === emoji) ?? { emoji, count: 0, userIds: [], isOwn: false };
  const own = userId === me;
  if (own ? before.isOwn === on : on && before.userIds.includes(userId)) return message;
  const named = before.userIds.includes(userId);
  if (!on && !own && !named && before.count <= before.userIds.length) return message;
  const others = before.userIds.filter((id) => id !== userId);
  const after: Reaction = {
    emoji,
    count: before.count + (on ? 1 : -1),
    userIds: on && others.length < NAMED ? [...others, userId] : others,
    isOwn: own ? on : before.isOwn,
  };
  const kept = reactions.some((reaction) => reaction.emoji === emoji) ? reactions : [...reactions, after];
  return { ...message, reactions: kept.map((r) => (r.emoji === emoji ? after : r)).filter(({ count }) => count > 0) };
}

function withReply(root: Message, reply: Message, me: string | null): Message {
  const before = root.thread ?? { replies: 0, lastReplyAt: "", participants: [], unread: 0 };
  // Counted by the page already.
  if (before.lastReplyAt && Date.parse(reply.createdAt) <= Date.parse(before.lastReplyAt)) return root;
  const { participants } = before;
  const one = participants.includes(reply.userId) || participants.length >= PARTICIPANTS ? [] : [reply.userId];
  const thread = {
    replies: before.replies + 1,
    lastReplyAt: reply.createdAt,
    participants: [...participants, ...one],
    unread: reply.userId === me ? before.unread : before.unread + 1,
  };
  return { ...root, thread };
}

/** An event speaks of the text alone: what was known beside it stays, save on a tombstone. */
export function carriedOver(known: Message, message: Message): Message {
  if (message.deletedAt) return known.thread ? { ...message, thread: known.thread } : message;
  const { reactions, thread, isPinned } = known;
  return { ...message, ...(reactions && { reactions }), ...(thread && { thread }), ...(isPinned && { isPinned }) };
}

export function withoutExtras(message: Message): Message {
  const { reactions: _, thread: __, isPinned: ___, ...rest } = message;
  return rest;
}
