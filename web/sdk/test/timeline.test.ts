import { describe, expect, it } from "vitest";
import { Timeline } from "../src/timeline.js";
import { created, message, ROOM } from "./support.js";
import type { LogEvent } from "../src/frames.js";

function liveAt(head: number): Timeline {
  const timeline = new Timeline(ROOM);
  timeline.subscribing();
  timeline.subscribed({ mode: "uptodate", head });
  timeline.mergePage({ messages: [], nextCursor: null });
  return timeline;
}

const seqs = (events: LogEvent[]) => events.map((event) => event.seq);
const texts = (timeline: Timeline) => timeline.messages().map((m) => m.content);

describe("the cursor rule", () => {
  it("delivers the next event and drops one seen before", () => {
    const timeline = liveAt(4);
    expect(seqs(timeline.apply(created(5)).delivered)).toEqual([5]);
    expect(seqs(timeline.apply(created(5)).delivered)).toEqual([]);
    expect(seqs(timeline.apply(created(3)).delivered)).toEqual([]);
    expect(timeline.cursor).toBe(5);
  });

  it("holds what comes after a gap, asks once for what is missing, then delivers all in order", () => {
    const timeline = liveAt(4);
    const first = timeline.apply(created(7));
    expect(first.delivered).toEqual([]);
    expect(first.subscribeAfter).toBe(4);
    expect(timeline.apply(created(8)).subscribeAfter).toBeUndefined();

    timeline.subscribed({ mode: "replay", from: 5, to: 8, head: 8, more: false });
    expect(seqs(timeline.apply(created(5)).delivered)).toEqual([5]);
    expect(seqs(timeline.apply(created(6)).delivered)).toEqual([6, 7, 8]);
  });

  it("advances over event types it does not know", () => {
    const timeline = liveAt(0);
    timeline.apply({ t: "reaction.added", room: ROOM, seq: 1, d: {} });
    expect(seqs(timeline.apply(created(2)).delivered)).toEqual([2]);
    expect(texts(timeline)).toEqual(["text 2"]);
  });

  it("asks for the rest when a replay says there is more", () => {
    const timeline = liveAt(0);
    timeline.disconnected();
    timeline.subscribing();
    timeline.subscribed({ mode: "replay", from: 1, to: 2, head: 9, more: true });
    expect(timeline.apply(created(1)).subscribeAfter).toBeUndefined();
    expect(timeline.apply(created(2)).subscribeAfter).toBe(2);
  });

  it("asks at once when the replay promises more but holds no events", () => {
    const timeline = liveAt(3);
    timeline.subscribing();
    expect(timeline.subscribed({ mode: "replay", head: 9, more: true }).subscribeAfter).toBe(3);
  });

  it("drops the cache on a reset and goes on after the new head", () => {
    const timeline = liveAt(0);
    timeline.apply(created(1));
    const step = timeline.subscribed({ mode: "reset", head: 40, reason: "retention" });
    expect(step.reset).toBe(true);
    expect(timeline.historyLoaded).toBe(false);
    expect(timeline.messages()).toEqual([]);
    expect(seqs(timeline.apply(created(41)).delivered)).toEqual([41]);
  });

  it("takes a head named twice and not reached for a hole, but not one named once", () => {
    const timeline = liveAt(4);
    expect(timeline.noticeHead(6).subscribeAfter).toBeUndefined();
    timeline.apply(created(5));
    expect(timeline.noticeHead(6).subscribeAfter).toBe(5);
  });
});

describe("messages", () => {
  it("are joined with pages of history, sorted by their creation", () => {
    const timeline = new Timeline(ROOM);
    timeline.subscribed({ mode: "uptodate", head: 6 });
    timeline.apply(created(7));
    expect(timeline.messages()).toEqual([]);
    timeline.mergePage({ messages: [message(7), message(6), message(5)], nextCursor: "older" });
    expect(texts(timeline)).toEqual(["text 5", "text 6", "text 7"]);
    timeline.mergePage({ messages: [message(3), message(2)], nextCursor: null });
    expect(texts(timeline)).toEqual(["text 2", "text 3", "text 5", "text 6", "text 7"]);
    expect(timeline.olderPlace).toBeNull();
  });

  it("edited before they are loaded are not shown out of their place", () => {
    const timeline = new Timeline(ROOM);
    timeline.subscribed({ mode: "uptodate", head: 20 });
    timeline.mergePage({ messages: [message(20), message(19)], nextCursor: "older" });
    const edited = message(3, { content: "changed", updatedAt: "2026-02-01T00:00:00.000Z" });
    timeline.apply({ t: "message.updated", room: ROOM, seq: 21, d: edited });
    expect(texts(timeline)).toEqual(["text 19", "text 20"]);
    timeline.mergePage({ messages: [message(3)], nextCursor: null });
    expect(texts(timeline)).toEqual(["changed", "text 19", "text 20"]);
  });

  it("keep an edit and a deletion when a page read earlier arrives later", () => {
    const timeline = liveAt(2);
    const late = "2026-02-01T00:00:00.000Z";
    timeline.apply({ t: "message.updated", room: ROOM, seq: 3, d: message(1, { content: "edited", updatedAt: late }) });
    timeline.apply({ t: "message.deleted", room: ROOM, seq: 4, d: message(2, { content: "", deletedAt: late, updatedAt: late }) });
    timeline.mergePage({ messages: [message(2), message(1)], nextCursor: null });
    expect(texts(timeline)).toEqual(["edited", ""]);
  });

  it("acknowledged first and logged second are one bubble", () => {
    const timeline = liveAt(4);
    timeline.acknowledge({ id: "m5", seq: 5, ts: "2026-01-01T00:00:09.000Z" }, { clientMsgId: "k", content: "hi" }, "u-me");
    expect(texts(timeline)).toEqual(["hi"]);
    timeline.apply(created(5, { content: "hi", userId: "u-me", clientMsgId: "k" }));
    expect(timeline.messages()).toHaveLength(1);
    expect(timeline.messages()[0]!.createdAt).toBe(message(5).createdAt);
  });

  it("logged first and acknowledged second are one bubble", () => {
    const timeline = liveAt(4);
    timeline.apply(created(5, { content: "hi", userId: "u-me", clientMsgId: "k" }));
    timeline.acknowledge({ id: "m5", seq: 5 }, { clientMsgId: "k", content: "hi" }, "u-me");
    expect(timeline.messages()).toHaveLength(1);
  });
});
