// The WebSocket envelope: what the server may say (read by decode.ts) and what
// this client says (encode).

import type { HistoryVisibility, Message, Role, RoomSettings } from "./types.js";

export type Ref = string | number;

/** What of a room a connection is told: every event, the head at most once a second, or nothing. */
export type Level = "full" | "bump" | "none";

/** What `hello` may list. Each may be missing, and the client then does without. */
export type Feature = "resume" | "levels" | "marks" | "typing" | "presence" | "receipts";

export interface HelloData {
  version: string;
  connId: string;
  epoch: string;
  /** The server's time; absent from servers that do not tell it. */
  now?: string;
  heartbeatMs: number;
  limits: Record<string, unknown>;
  features: string[];
}

export interface ReadyData {
  user: { id: string; username: string };
  sessionId: string;
  userSeq: number;
}

/** A member's marks in a room, and what is above them: exact at the moment of writing. */
export interface Counts {
  received: number;
  read: number;
  unread: number;
  mentions: number;
}

export interface RoomHead extends Partial<Counts> {
  room: string;
  head: number;
  firstRetained?: number;
  /** How many messages were ever sent in the room. */
  messages?: number;
  /** What one has set for oneself, where one has. */
  settings?: RoomSettings;
}

/** `d` of `room.updated` and `room.archived`: the room as it is from then on. */
export interface RoomFacts {
  name: string;
  description: string | null;
  topic: string | null;
  historyVisibility: HistoryVisibility;
  archivedAt: string | null;
  /** Null where it is as everywhere. */
  editWindowSeconds: number | null;
  /** How long members wait between two messages; absent from servers that know no slow mode. */
  slowModeSeconds?: number;
}

/** `d` of `member.left`; `by` where another put him out. */
export interface MemberLeft {
  userId: string;
  by?: string;
  isBanned?: boolean;
}

/** `d` of `member.updated`. */
export interface MemberUpdated {
  userId: string;
  role: Role;
  /** Until when the person may not write; null where that was lifted, absent where it is about the role. */
  mutedUntil?: string | null;
  /** Who did it, and why; beside `mutedUntil`. */
  by?: string;
  reason?: string;
}

/** `d` of `member.banned` and `member.unbanned`, of somebody who is no member. */
export interface MemberBanned {
  userId: string;
  by: string;
}

/** `d` of `reaction.added` and `reaction.removed`; `id` is the message's. */
export interface ReactionEvent {
  id: string;
  userId: string;
  emoji: string;
}

/** `d` of `message.pinned` and `message.unpinned`. */
export interface PinEvent {
  messageId: string;
  userId: string;
}

/** `d` of `settings.updated`, in one's own log. */
export interface SettingsUpdated extends RoomSettings {
  roomId: string;
}

/** `d` of `invite.received` and `invite.revoked`, in one's own log; `by` of the first only. */
export interface InviteEvent {
  inviteId: string;
  roomId: string;
  by?: string;
}

export interface Receipt {
  userId: string;
  received: number;
  read: number;
}

export interface PresenceEntry {
  userId: string;
  isOnline: boolean;
  lastSeen?: string | null;
}

export interface SubscribedData {
  /** Absent from servers that know one level only. */
  level?: Level;
  mode: "uptodate" | "replay" | "reset";
  head: number;
  from?: number;
  to?: number;
  more?: boolean;
  reason?: string;
}

export interface AckData extends Partial<Counts> {
  id?: string;
  seq?: number;
  ts?: string;
  clientMsgId?: string;
  duplicate?: boolean;
}

export interface ErrorData {
  code: string;
  message: string;
  retryable: boolean;
  retryAfterMs?: number;
  field?: string;
}

/** Anything with a place in a room's log, whether its type is known or not. */
export interface LogEvent {
  t: string;
  room: string;
  seq: number;
  ts?: string;
  d?: unknown;
}

export type MessageEventType = "message.created" | "message.updated" | "message.deleted";

export interface MessageEvent extends LogEvent {
  t: MessageEventType;
  d: Message;
}

export function isMessageEvent(event: LogEvent): event is MessageEvent {
  return event.t === "message.created" || event.t === "message.updated" || event.t === "message.deleted";
}

interface Reply {
  ref?: Ref;
}

export type ServerFrame =
  | { kind: "hello"; d: HelloData }
  | { kind: "ready"; d: ReadyData }
  | { kind: "heads"; rooms: RoomHead[]; more: boolean }
  | ({ kind: "resumed" } & Reply)
  | ({ kind: "subscribed"; room: string; d: SubscribedData } & Reply)
  | ({ kind: "pong"; heads: RoomHead[] } & Reply)
  | ({ kind: "ack"; d: AckData } & Reply)
  | ({ kind: "error"; d: ErrorData } & Reply)
  | { kind: "authExpiring" }
  | { kind: "draining"; delayMs: number }
  | { kind: "sessionRevoked" }
  | { kind: "bump"; room: string; head: number; messages: number; memberCount?: number; counts?: Counts }
  | { kind: "lagged"; room: string; head: number }
  | { kind: "reset"; room: string; d: { reason: string; head: number } }
  | { kind: "log"; event: LogEvent }
  | { kind: "userLog"; t: string; useq: number; d: unknown }
  | { kind: "typing"; room: string; userId: string; until: string; ts?: string }
  | { kind: "receipts"; room: string; users: Receipt[] }
  | { kind: "presence"; users: PresenceEntry[] }
  /** A type this client has no use for, such as ephemera of a later version. */
  | { kind: "other"; t: string };

export interface ClientFrame {
  t: string;
  ref?: Ref;
  room?: string;
  d?: unknown;
}

/** Without `after` a subscription begins at the room's present head. */
export interface SubscribeData {
  level: Level;
  after?: number;
}

/** Where this client stands: the user log and each room it wants to go on with. */
export interface ResumeData {
  epoch: string;
  userAfter?: number;
  rooms: [room: string, level: Level, after: number][];
  /** The connection this one takes over from. */
  replaces?: string;
}

export interface SendData {
  clientMsgId: string;
  content: string;
  attachments?: string[];
  replyTo?: string;
}

/** One builder for each action the client sends. */
export const encode = {
  auth: (ref: Ref, token: string): ClientFrame => ({ t: "auth", ref, d: { token } }),
  authRefresh: (ref: Ref, token: string): ClientFrame => ({ t: "auth.refresh", ref, d: { token } }),
  resume: (ref: Ref, d: ResumeData): ClientFrame => ({ t: "resume", ref, d }),
  subscribe: (ref: Ref, room: string, level: Level, after: number | null): ClientFrame => {
    const d: SubscribeData = after === null ? { level } : { level, after };
    return { t: "room.subscribe", ref, room, d };
  },
  unsubscribe: (ref: Ref, room: string): ClientFrame => ({ t: "room.unsubscribe", ref, room }),
  send: (ref: Ref, room: string, d: SendData): ClientFrame => ({ t: "message.send", ref, room, d }),
  edit: (ref: Ref, room: string, id: string, content: string): ClientFrame => ({
    t: "message.edit",
    ref,
    room,
    d: { id, content },
  }),
  /** The reason is for what another wrote. */
  delete: (ref: Ref, room: string, id: string, reason?: string): ClientFrame => ({
    t: "message.delete",
    ref,
    room,
    d: reason === undefined ? { id } : { id, reason },
  }),
  react: (ref: Ref, room: string, id: string, emoji: string, on: boolean): ClientFrame => ({
    t: on ? "reaction.add" : "reaction.remove",
    ref,
    room,
    d: { id, emoji },
  }),
  /** The answer holds the exact counts above the new mark. */
  markRead: (ref: Ref, room: string, seq: number): ClientFrame => ({ t: "mark.read", ref, room, d: { seq } }),
  /** Without a ref, like the two below: nobody waits for an answer, so none is sent. */
  markReceived: (room: string, seq: number): ClientFrame => ({ t: "mark.received", room, d: { seq } }),
  typingStart: (room: string): ClientFrame => ({ t: "typing.start", room }),
  typingStop: (room: string): ClientFrame => ({ t: "typing.stop", room }),
  presenceWatch: (ref: Ref, users: readonly string[]): ClientFrame => ({ t: "presence.watch", ref, d: { users } }),
  ping: (ref: Ref): ClientFrame => ({ t: "ping", ref }),
};
