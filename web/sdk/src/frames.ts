// The WebSocket envelope: what the server may say (decode) and what this
// client says (encode). Unknown types and unknown fields are let through.

import type { Message } from "./types.js";

export type Ref = string | number;

export interface HelloData {
  version: string;
  connId: string;
  epoch: string;
  heartbeatMs: number;
  limits: Record<string, unknown>;
  features: string[];
}

export interface ReadyData {
  user: { id: string; username: string };
  sessionId: string;
  userSeq: number;
}

export interface RoomHead {
  room: string;
  head: number;
  firstRetained?: number;
}

export interface SubscribedData {
  mode: "uptodate" | "replay" | "reset";
  head: number;
  from?: number;
  to?: number;
  more?: boolean;
  reason?: string;
}

export interface AckData {
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

interface Reply {
  ref?: Ref;
}

export type ServerFrame =
  | { kind: "hello"; d: HelloData }
  | { kind: "ready"; d: ReadyData }
  | { kind: "heads"; rooms: RoomHead[] }
  | ({ kind: "resumed" } & Reply)
  | ({ kind: "subscribed"; room: string; d: SubscribedData } & Reply)
  | ({ kind: "pong"; heads: RoomHead[] } & Reply)
  | ({ kind: "ack"; d: AckData } & Reply)
  | ({ kind: "error"; d: ErrorData } & Reply)
  | { kind: "authExpiring" }
  | { kind: "draining"; delayMs: number }
  | { kind: "sessionRevoked" }
  | { kind: "lagged"; room: string; head: number }
  | { kind: "reset"; room: string; d: { reason: string; head: number } }
  | { kind: "log"; event: LogEvent }
  | { kind: "userLog"; t: string; useq: number; d: unknown }
  /** A type this client has no use for, such as ephemera of a later version. */
  | { kind: "other"; t: string };

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

export function isMessage(value: unknown): value is Message {
  return (
    isFields(value) &&
    isText(value["id"]) &&
    isText(value["roomId"]) &&
    isText(value["userId"]) &&
    isText(value["content"]) &&
    isText(value["createdAt"]) &&
    isText(value["updatedAt"]) &&
    isCount(value["seq"])
  );
}

export function isMessageEvent(event: LogEvent): event is MessageEvent {
  return event.t === "message.created" || event.t === "message.updated" || event.t === "message.deleted";
}

/** The frame, or null when the text is not a frame this protocol allows. */
export function decodeFrame(text: string): ServerFrame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isFields(value) || !isText(value["t"])) return null;
  const decoder = DECODERS[value["t"]];
  const d = isFields(value["d"]) ? value["d"] : {};
  return decoder ? decoder(d, value) : decodeUnlisted(value["t"], value);
}

type Decoder = (d: Fields, envelope: Fields) => ServerFrame | null;

const DECODERS: Record<string, Decoder> = {
  hello: (d) =>
    isText(d["epoch"]) && isText(d["connId"]) && isCount(d["heartbeatMs"])
      ? {
          kind: "hello",
          d: {
            ...(d as unknown as HelloData),
            limits: isFields(d["limits"]) ? d["limits"] : {},
            features: Array.isArray(d["features"]) ? d["features"].filter(isText) : [],
          },
        }
      : null,
  ready: (d) =>
    isFields(d["user"]) && isText(d["user"]["id"]) && isCount(d["userSeq"])
      ? { kind: "ready", d: d as unknown as ReadyData }
      : null,
  heads: (d) => {
    if (!Array.isArray(d["rooms"])) return null;
    const rooms = d["rooms"].filter(
      (room): room is RoomHead & Fields => isFields(room) && isText(room["room"]) && isCount(room["head"]),
    );
    return rooms.length === d["rooms"].length ? { kind: "heads", rooms } : null;
  },
  resumed: (_, envelope) => ({ kind: "resumed", ...refOf(envelope) }),
  "room.subscribed": (d, envelope) => {
    const known = d["mode"] === "uptodate" || d["mode"] === "replay" || d["mode"] === "reset";
    if (!known || !isText(envelope["room"]) || !isCount(d["head"])) return null;
    return { kind: "subscribed", room: envelope["room"], d: d as unknown as SubscribedData, ...refOf(envelope) };
  },
  pong: (d, envelope) => {
    const pairs = Array.isArray(d["heads"]) ? d["heads"] : [];
    const heads = pairs
      .filter((pair) => Array.isArray(pair) && isText(pair[0]) && isCount(pair[1]))
      .map(([room, head]) => ({ room, head }));
    return heads.length === pairs.length ? { kind: "pong", heads, ...refOf(envelope) } : null;
  },
  ack: (d, envelope) => ({ kind: "ack", d: d as AckData, ...refOf(envelope) }),
  error: (d, envelope) =>
    isText(d["code"])
      ? {
          kind: "error",
          d: {
            ...d,
            code: d["code"],
            message: isText(d["message"]) ? d["message"] : d["code"],
            retryable: d["retryable"] === true,
          },
          ...refOf(envelope),
        }
      : null,
  "auth.expiring": () => ({ kind: "authExpiring" }),
  "server.draining": (d) => ({ kind: "draining", delayMs: isCount(d["delayMs"]) ? d["delayMs"] : 0 }),
  "session.revoked": () => ({ kind: "sessionRevoked" }),
  "room.lagged": (d, envelope) =>
    isText(envelope["room"]) && isCount(d["head"]) ? { kind: "lagged", room: envelope["room"], head: d["head"] } : null,
  "room.reset": (d, envelope) =>
    isText(envelope["room"]) && isCount(d["head"])
      ? {
          kind: "reset",
          room: envelope["room"],
          d: { reason: isText(d["reason"]) ? d["reason"] : "unknown", head: d["head"] },
        }
      : null,
  "message.created": decodeMessageEvent,
  "message.updated": decodeMessageEvent,
  "message.deleted": decodeMessageEvent,
};

function decodeMessageEvent(d: Fields, envelope: Fields): ServerFrame | null {
  return isMessage(d) ? decodeUnlisted(envelope["t"] as string, envelope) : null;
}

/** Room-log and user-log events of any type, known or future, by their numbers. */
function decodeUnlisted(t: string, envelope: Fields): ServerFrame {
  if (isText(envelope["room"]) && isCount(envelope["seq"])) {
    const event: LogEvent = { t, room: envelope["room"], seq: envelope["seq"], d: envelope["d"] };
    if (isText(envelope["ts"])) event.ts = envelope["ts"];
    return { kind: "log", event };
  }
  if (isCount(envelope["useq"])) return { kind: "userLog", t, useq: envelope["useq"], d: envelope["d"] };
  return { kind: "other", t };
}

function refOf(envelope: Fields): Reply {
  const ref = envelope["ref"];
  return isText(ref) || typeof ref === "number" ? { ref } : {};
}

export interface ClientFrame {
  t: string;
  ref?: Ref;
  room?: string;
  d?: unknown;
}

/** Without `after` a subscription begins at the room's present head. */
export interface SubscribeData {
  level: "full";
  after?: number;
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
  resume: (
    ref: Ref,
    d: { epoch: string; userAfter: number; rooms: [room: string, level: "full", after: number][]; replaces?: string },
  ): ClientFrame => ({ t: "resume", ref, d }),
  subscribe: (ref: Ref, room: string, after: number | null): ClientFrame => {
    const d: SubscribeData = after === null ? { level: "full" } : { level: "full", after };
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
  delete: (ref: Ref, room: string, id: string): ClientFrame => ({ t: "message.delete", ref, room, d: { id } }),
  ping: (ref: Ref): ClientFrame => ({ t: "ping", ref }),
};
