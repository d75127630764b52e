// The golden frames are the contract with the server's own tests: both sides
// read the same files.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeFrame, encode, type ClientFrame } from "../src/frames.js";

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
  "room.subscribe": ({ ref, room, d }) => encode.subscribe(ref, room, d?.after ?? null),
  "room.unsubscribe": ({ ref, room }) => encode.unsubscribe(ref, room),
  "message.send": ({ ref, room, d }) => encode.send(ref, room, d),
  "message.edit": ({ ref, room, d }) => encode.edit(ref, room, d.id, d.content),
  "message.delete": ({ ref, room, d }) => encode.delete(ref, room, d.id),
  ping: ({ ref }) => encode.ping(ref),
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

  const encoded = (frame: any) => shape(ENCODERS[frame.t]!(frame));

  it.each(Object.keys(ENCODERS))("show %s just as this client sends it", (action) => {
    const examples = sent.map(([, text]) => JSON.parse(text)).filter((frame) => frame.t === action);
    const exact = examples.filter((frame) => JSON.stringify(encoded(frame)) === JSON.stringify(shape(frame)));
    expect(exact.length, `of ${examples.length} examples of ${action}`).toBeGreaterThan(0);
  });

  // Others may leave out what is optional; nothing may be there that this client would not say.
  it.each(sent)("%s holds nothing this client says otherwise", (_, text) => {
    const frame = JSON.parse(text);
    expect(encoded(frame)).toMatchObject(shape(frame) as object);
  });
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
