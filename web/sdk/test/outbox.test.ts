import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox, type SendResult } from "../src/outbox.js";
import type { SendData } from "../src/frames.js";
import { ROOM, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Sent {
  roomId: string;
  data: SendData;
  done: (result: SendResult) => void;
}

function open(world = new World()) {
  const sent: Sent[] = [];
  const acknowledged: string[] = [];
  const outbox = new Outbox(
    world.environment(),
    {
      send: (roomId, data, done) => void sent.push({ roomId, data, done }),
      acknowledged: (item) => void acknowledged.push(item.clientMsgId),
      changed: () => {},
    },
    "u-me",
  );
  const contents = () => sent.map((entry) => entry.data.content);
  const states = () => outbox.pending(ROOM).map((item) => `${item.content}:${item.state}`);
  return { world, outbox, sent, acknowledged, contents, states };
}

const ack = (seq: number): SendResult => ({ ack: { id: `m${seq}`, seq } });
const refused = (code: string, retryable: boolean, retryAfterMs?: number): SendResult => ({
  error: { code, message: code, retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
});

describe("the outbox", () => {
  it("keeps messages while offline and sends them in order, one at a time", () => {
    const { outbox, sent, contents, acknowledged } = open();
    for (const text of ["one", "two", "three"]) outbox.compose(ROOM, text);
    expect(contents()).toEqual([]);
    outbox.online();
    expect(contents()).toEqual(["one"]);
    sent[0]!.done(ack(1));
    sent[1]!.done(ack(2));
    sent[2]!.done(ack(3));
    expect(contents()).toEqual(["one", "two", "three"]);
    expect(acknowledged).toEqual(["uuid-1", "uuid-2", "uuid-3"]);
    expect(outbox.size).toBe(0);
    expect(new Set(sent.map((entry) => entry.data.clientMsgId)).size).toBe(3);
  });

  it("does not let one room wait for another", () => {
    const { outbox, contents } = open();
    outbox.online();
    outbox.compose(ROOM, "here");
    outbox.compose("room-2", "there");
    expect(contents()).toEqual(["here", "there"]);
  });

  it("sends again, under the same clientMsgId, what was under way when the connection went", () => {
    const { outbox, sent } = open();
    outbox.online();
    outbox.compose(ROOM, "one");
    outbox.offline();
    sent[0]!.done({ lost: true });
    outbox.online();
    expect(sent.map((entry) => entry.data.clientMsgId)).toEqual(["uuid-1", "uuid-1"]);
  });

  it("sends after a page reload what the page before could not", () => {
    const before = open();
    before.outbox.compose(ROOM, "one");
    before.outbox.compose(ROOM, "two");
    const after = open(new World(before.world.storage));
    expect(after.states()).toEqual(["one:queued", "two:queued"]);
    after.outbox.online();
    after.sent[0]!.done({ ack: { id: "m1", seq: 1, duplicate: true } });
    after.sent[1]!.done(ack(2));
    expect(after.sent.map((entry) => entry.data.clientMsgId)).toEqual(["uuid-1", "uuid-2"]);
    expect(open(new World(before.world.storage)).outbox.size).toBe(0);
  });

  it("counts what the storage does not take", () => {
    const world = new World();
    world.storage.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    const { outbox, sent } = open(world);
    outbox.compose(ROOM, "one");
    expect(outbox.size).toBe(1);
    outbox.online();
    sent[0]!.done(ack(1));
    expect(outbox.size).toBe(0);
  });

  it("does not read another account's messages", () => {
    const { world, outbox } = open();
    outbox.compose(ROOM, "mine");
    const port = { send: () => {}, acknowledged: () => {}, changed: () => {} };
    expect(new Outbox(world.environment(), port, "u-other").size).toBe(0);
  });

  it("waits as long as a rate limit asks and lets nothing overtake", async () => {
    const { outbox, sent, contents } = open();
    outbox.online();
    outbox.compose(ROOM, "one");
    outbox.compose(ROOM, "two");
    sent[0]!.done(refused("rateLimited", true, 4000));
    await vi.advanceTimersByTimeAsync(3999);
    expect(contents()).toEqual(["one"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(contents()).toEqual(["one", "one"]);
    sent[1]!.done(ack(1));
    expect(contents()).toEqual(["one", "one", "two"]);
  });

  it("backs off with jitter while the server is unavailable", async () => {
    const { outbox, sent } = open();
    outbox.online();
    outbox.compose(ROOM, "one");
    for (const delay of [500, 1000, 2000]) {
      sent.at(-1)!.done(refused("unavailable", true));
      const count = sent.length;
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(sent).toHaveLength(count);
      await vi.advanceTimersByTimeAsync(1);
      expect(sent).toHaveLength(count + 1);
    }
  });

  it("marks a refused message failed, goes on with the next, and obeys retry and discard", () => {
    const { outbox, sent, states } = open();
    outbox.online();
    outbox.compose(ROOM, "bad");
    outbox.compose(ROOM, "good");
    sent[0]!.done(refused("tooLarge", false));
    expect(states()).toEqual(["bad:failed", "good:queued"]);
    sent[1]!.done(ack(1));
    outbox.retry("uuid-1");
    expect(sent[2]!.data).toEqual({ clientMsgId: "uuid-1", content: "bad" });
    sent[2]!.done(refused("tooLarge", false));
    outbox.discard("uuid-1");
    expect(outbox.size).toBe(0);
  });

  it("gives a message a new id when its old one stands for another message", () => {
    const { outbox, sent } = open();
    outbox.online();
    outbox.compose(ROOM, "one");
    sent[0]!.done(refused("idempotencyConflict", false));
    outbox.retry("uuid-1");
    expect(sent[1]!.data.clientMsgId).toBe("uuid-2");
  });

  it("keeps a failed message failed over a reload", () => {
    const before = open();
    before.outbox.online();
    before.outbox.compose(ROOM, "bad");
    before.sent[0]!.done(refused("forbidden", false));
    expect(open(new World(before.world.storage)).states()).toEqual(["bad:failed"]);
  });

  it("takes the log's word that a message arrived, and then ignores its ack", () => {
    const { outbox, sent, acknowledged, contents } = open();
    outbox.online();
    outbox.compose(ROOM, "one");
    outbox.compose(ROOM, "two");
    outbox.settle("uuid-1");
    sent[0]!.done(ack(1));
    expect(contents()).toEqual(["one", "two"]);
    expect(acknowledged).toEqual([]);
  });

  it("picks up on reconnecting what a closed tab left behind", () => {
    const mine = open();
    const other = open(new World(mine.world.storage));
    other.outbox.compose(ROOM, "from the other tab");
    mine.outbox.online();
    expect(mine.contents()).toEqual(["from the other tab"]);
  });

  it("tries again when an answer never comes", async () => {
    const { outbox, contents } = open();
    outbox.online();
    outbox.compose(ROOM, "one");
    await vi.advanceTimersByTimeAsync(20_500);
    expect(contents()).toEqual(["one", "one"]);
  });
});
