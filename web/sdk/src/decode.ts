// Reads what the server says. A known type with wrong data is refused; unknown
// types and unknown fields are let through.

import type {
  AckData,
  Counts,
  HelloData,
  Level,
  LogEvent,
  PresenceEntry,
  ReadyData,
  Receipt,
  Ref,
  RoomHead,
  ServerFrame,
  SubscribedData,
} from "./frames.js";
import type { Message, RoomSettings } from "./types.js";

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
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

export function isCounts(value: unknown): value is Counts {
  return (
    isFields(value) &&
    isCount(value["received"]) &&
    isCount(value["read"]) &&
    isCount(value["unread"]) &&
    isCount(value["mentions"])
  );
}

const NOTIFICATIONS: unknown[] = ["all", "mentions", "none"];

export function isRoomSettings(value: unknown): value is RoomSettings {
  return isFields(value) && NOTIFICATIONS.includes(value["notifications"]) && isFlag(value["isFavourite"]);
}

/** The room a user-log event speaks of. */
export function roomIdOf(d: unknown): string | null {
  return isFields(d) && isText(d["roomId"]) ? d["roomId"] : null;
}

const isReceipt = (value: unknown): value is Receipt =>
  isFields(value) && isText(value["userId"]) && isCount(value["received"]) && isCount(value["read"]);
const isHead = (value: unknown): value is RoomHead =>
  isFields(value) && isText(value["room"]) && isCount(value["head"]);
const isPresence = (value: unknown): value is PresenceEntry =>
  isFields(value) && isText(value["userId"]) && isFlag(value["isOnline"]);

/** The list, or null when one of it is not what it should be. */
function every<T>(value: unknown, check: (item: unknown) => item is T): T[] | null {
  return Array.isArray(value) && value.every(check) ? value : null;
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

const LEVELS = new Set<Level>(["full", "bump", "none"]);

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
    const rooms = every(d["rooms"], isHead);
    return rooms && { kind: "heads", rooms, more: d["more"] === true };
  },
  resumed: (_, envelope) => ({ kind: "resumed", ...refOf(envelope) }),
  "room.subscribed": (d, envelope) => {
    const known = d["mode"] === "uptodate" || d["mode"] === "replay" || d["mode"] === "reset";
    if (!known || !isText(envelope["room"]) || !isCount(d["head"])) return null;
    if (d["level"] !== undefined && !LEVELS.has(d["level"] as Level)) return null;
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
  typing: (d, envelope) =>
    isText(envelope["room"]) && isText(d["userId"]) && isText(d["until"])
      ? {
          kind: "typing",
          room: envelope["room"],
          userId: d["userId"],
          until: d["until"],
          ...(isText(envelope["ts"]) ? { ts: envelope["ts"] } : {}),
        }
      : null,
  receipts: (d, envelope) => {
    const users = every(d["users"], isReceipt);
    return users && isText(envelope["room"]) ? { kind: "receipts", room: envelope["room"], users } : null;
  },
  presence: (d) => {
    const users = every(d["users"], isPresence);
    return users && { kind: "presence", users };
  },
  "room.bump": (d, envelope) =>
    isText(envelope["room"]) && isCount(d["head"]) && isCount(d["messages"])
      ? {
          kind: "bump",
          room: envelope["room"],
          head: d["head"],
          messages: d["messages"],
          ...(isCount(d["memberCount"]) && { memberCount: d["memberCount"] }),
          ...(isCounts(d) && { counts: { received: d.received, read: d.read, unread: d.unread, mentions: d.mentions } }),
        }
      : null,
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
  "message.pinned": (d, envelope) => aboutMessage("messageId")(d, envelope),
  "message.unpinned": (d, envelope) => aboutMessage("messageId")(d, envelope),
  "reaction.added": (d, envelope) => decodeReaction(d, envelope),
  "reaction.removed": (d, envelope) => decodeReaction(d, envelope),
};

/** With a message's id under this name. */
const aboutMessage =
  (name: string): Decoder =>
  (d, envelope) =>
    isText(d[name]) && isText(d["userId"]) ? decodeUnlisted(envelope["t"] as string, envelope) : null;

const decodeReaction: Decoder = (d, envelope) => (isText(d["emoji"]) ? aboutMessage("id")(d, envelope) : null);

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

function refOf(envelope: Fields): { ref?: Ref } {
  const ref = envelope["ref"];
  return isText(ref) || typeof ref === "number" ? { ref } : {};
}

