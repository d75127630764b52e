// The golden frames are the contract with the server's own tests: both sides
// read the same files.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeFrame } from "../src/decode.js";
import { encode, type ClientFrame } from "../src/frames.js";

const FRAMES = fileURLToPath(new URL("../../../openapi/frames/", import.meta.url));

function golden(side: "server" | "client"): [name: string, text: string][] {
  return readdirSync(FRAMES + side)
    .filter((name) => name.endsWith(".json"))
    .map((name) => [name, readFileSync(`${FRAMES}${side}/${name}`, "utf8")]);
}

/** The value with every leaf replaced by its type: two frames of one shape are equal. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  const entries = Object.entries(value).map(([name, field]) => [name, name === "ref" ? "ref" : shape(field)]);
  return Object.fromEntries(entries.sort(([a], [b]) => String(a).localeCompare(String(b))));
}

/** What the encoder makes of the data of a golden frame of each action that is sent. */
const ENCODERS: Record<string, (frame: any) => ClientFrame> = {
  auth: ({ ref, d }) => encode.auth(ref, d.token),
  "auth.refresh": ({ ref, d }) => encode.authRefresh(ref, d.token),
  resume: ({ ref, d }) => encode.resume(ref, d),
  "room.subscribe": ({ ref, room, d }) => encode.subscribe(ref, room, d?.level ?? "full", d?.after ?? null),
  "room.unsubscribe": ({ ref, room }) => encode.unsubscribe(ref, room),
  "message.send": ({ ref, room, d }) => encode.send(ref, room, d),
  "message.edit": ({ ref, room, d }) => encode.edit(ref, room, d.id, d.content),
  "message.delete": ({ ref, room, d }) => encode.delete(ref, room, d.id, d.reason),
  "reaction.add": ({ ref, room, d }) => encode.react(ref, room, d.id, d.emoji, true),
  "reaction.remove": ({ ref, room, d }) => encode.react(ref, room, d.id, d.emoji, false),
  ping: ({ ref }) => encode.ping(ref),
  "mark.read": ({ ref, room, d }) => encode.markRead(ref, room, d.seq),
  "mark.received": ({ room, d }) => encode.markReceived(room, d.seq),
  "typing.start": ({ room }) => encode.typingStart(room),
  "typing.stop": ({ room }) => encode.typingStop(room),
  "presence.watch": ({ ref, d }) => encode.presenceWatch(ref, d.users),
};

/** As the protocol's text shows them, for those that have no golden frame. */
const TEXT: Record<string, object> = {
  "mark.read": { t: "mark.read", ref: 1, room: "r", d: { seq: 43 } },
  "mark.received": { t: "mark.received", room: "r", d: { seq: 43 } },
  "typing.start": { t: "typing.start", room: "r" },
  "typing.stop": { t: "typing.stop", room: "r" },
  "presence.watch": { t: "presence.watch", ref: 8, d: { users: ["u"] } },
};

describe("golden frames of the server", () => {
  const frames = golden("server");

  it("exist", () => expect(frames.length).toBeGreaterThan(0));

  it.each(frames)("%s is understood", (_, text) => {
    const frame = decodeFrame(text);
    expect(frame).not.toBeNull();
    const { seq, room } = JSON.parse(text);
    if (seq !== undefined && room !== undefined) expect(frame).toMatchObject({ kind: "log", event: { seq, room } });
  });
});

describe("golden frames of the client", () => {
  const frames = golden("client");
  const sent = frames.filter(([, text]) => ENCODERS[JSON.parse(text).t]);

  const encoded = (frame: any) => withoutRef(shape(ENCODERS[frame.t]!(frame)));
  // Whether there is an answer is for each client to choose, action by action.
  const withoutRef = (value: any) => Object.fromEntries(Object.entries(value).filter(([name]) => name !== "ref"));

  it.each(Object.keys(ENCODERS))("show %s just as this client sends it", (action) => {
    const examples = sent.map(([, text]) => JSON.parse(text)).filter((frame) => frame.t === action);
    if (examples.length === 0 && TEXT[action]) examples.push(TEXT[action]);
    const exact = examples.filter((frame) => JSON.stringify(encoded(frame)) === JSON.stringify(withoutRef(shape(frame))));
    expect(exact.length, `of ${examples.length} examples of ${action}`).toBeGreaterThan(0);
  });

  // Others may leave out what is optional; nothing may be there that this client would not say.
  it.each(sent)("%s holds nothing this client says otherwise", (_, text) => {
    const frame = JSON.parse(text);
    expect(encoded(frame)).toMatchObject(withoutRef(shape(frame)));
  });
});

describe("refs", () => {
  it("are sent where an answer is waited for, and nowhere else", () => {
    const told = Object.values(TEXT).map((frame: any) => [frame.t, "ref" in ENCODERS[frame.t]!({ ref: 1, ...frame })]);
    expect(Object.fromEntries(told)).toEqual({
      "mark.read": true,
      "mark.received": false,
      "typing.start": false,
      "typing.stop": false,
      "presence.watch": true,
    });
  });
});

describe("the frames of what is told now and then", () => {
  it.each<[string, object, object]>([
    ["typing", { room: "r", ts: "T", d: { userId: "u", until: "U" } }, { kind: "typing", room: "r", userId: "u", until: "U", ts: "T" }],
    ["presence", { d: { users: [{ userId: "u", isOnline: true, lastSeen: null }] } }, { kind: "presence", users: [{ userId: "u", isOnline: true, lastSeen: null }] }],
    ["receipts", { room: "r", d: { users: [{ userId: "u", received: 4, read: 3 }] } }, { kind: "receipts", room: "r", users: [{ userId: "u", received: 4, read: 3 }] }],
    ["room.bump", { room: "r", d: { head: 51, messages: 38 } }, { kind: "bump", room: "r", head: 51, messages: 38 }],
    ["room.bump", { room: "r", d: { head: 52, messages: 38, memberCount: 3 } }, { kind: "bump", room: "r", head: 52, messages: 38, memberCount: 3 }],
    [
      "room.bump",
      { room: "r", d: { head: 53, messages: 40, received: 42, read: 40, unread: 3, mentions: 1 } },
      { kind: "bump", room: "r", head: 53, messages: 40, counts: { received: 42, read: 40, unread: 3, mentions: 1 } },
    ],
    ["room.lagged", { room: "r", d: { head: 900 } }, { kind: "lagged", room: "r", head: 900 }],
    ["mark.moved", { useq: 7, d: { roomId: "r", read: 1 } }, { kind: "userLog", t: "mark.moved", useq: 7, d: { roomId: "r", read: 1 } }],
  ])("%s is read", (t, envelope, frame) => expect(decodeFrame(JSON.stringify({ t, ...envelope }))).toEqual(frame));

  it.each<[string, object]>([
    ["typing", { room: "r", d: { userId: "u" } }],
    ["typing", { d: { userId: "u", until: "U" } }],
    ["presence", { d: { users: [{ userId: "u" }] } }],
    ["receipts", { room: "r", d: { users: [{ userId: "u", received: 4 }] } }],
    ["room.bump", { room: "r", d: { head: 51 } }],
    ["room.subscribed", { room: "r", d: { mode: "uptodate", level: "some", head: 1 } }],
  ])("%s with wrong data is refused", (t, envelope) => expect(decodeFrame(JSON.stringify({ t, ...envelope }))).toBeNull());
});

describe("a frame from outside the contract", () => {
  it.each(["not json", "[]", "7", '{"d":{}}', '{"t":5}'])("%s is refused", (text) => {
    expect(decodeFrame(text)).toBeNull();
  });

  it.each([
    ['{"t":"hello","d":{}}'],
    ['{"t":"message.created","room":"r","seq":1,"d":{"id":"m"}}'],
    ['{"t":"room.subscribed","room":"r","d":{"mode":"maybe","head":1}}'],
  ])("%s, a known type with wrong data, is refused", (text) => expect(decodeFrame(text)).toBeNull());

  it("of an unknown type is let through, keeping its place in the log", () => {
    expect(decodeFrame('{"t":"sticker.sent","room":"r","seq":8,"d":{}}')).toMatchObject({
      kind: "log",
      event: { t: "sticker.sent", room: "r", seq: 8 },
    });
    expect(decodeFrame('{"t":"confetti","room":"r"}')).toEqual({ kind: "other", t: "confetti" });
  });
});
