// What a room costs that much is said in: views, sorts, and messages kept.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { created, inRoom, message, ROOM, seeded, shown } from "./support.js";
import { Timeline } from "../src/timeline.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Counts how often anything is sorted. */
function sorts(): () => number {
  const { calls } = vi.spyOn(Array.prototype, "sort").mock;
  return () => calls.length;
}

describe("many events", () => {
  it("make a view for the first at once, and one for all that follow on its heels", async () => {
    const { world, client } = await inRoom();
    await vi.advanceTimersByTimeAsync(1_000);
    const views = new Set<object>();
    client.on(`room:${ROOM}`, () => views.add(client.room(ROOM)!));
    world.socket.says(created(1));
    expect(views.size).toBe(1);
    for (let seq = 2; seq <= 300; seq += 1) world.socket.says(created(seq));
    expect(views.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(views.size).toBe(2);
    expect([...views].at(-1)).toMatchObject({ entries: { length: 300 } });
    // Who looks by himself sees what is, not what was told.
    world.socket.says(created(301));
    world.socket.says(created(302));
    expect(shown(client).at(-1)).toBe("text 302");
  });

  it("are put to the end without sorting what is before them", () => {
    const timeline = new Timeline(ROOM);
    timeline.subscribed({ mode: "uptodate", head: 0 });
    timeline.mergePage({ messages: [], nextCursor: null });
    timeline.messages();
    const sorted = sorts();
    for (let seq = 1; seq <= 300; seq += 1) {
      timeline.apply(created(seq));
      timeline.fold({ t: "message.pinned", room: ROOM, seq, d: { messageId: `m${Math.ceil(seq / 2)}` } });
      expect(timeline.messages()).toHaveLength(seq);
    }
    expect(sorted()).toBe(0);
    expect(timeline.messages().map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    expect(timeline.messages().filter(({ isPinned }) => isPinned)).toHaveLength(150);
  });

  it("stand in their places whatever comes between, in whatever order, whether somebody looks meanwhile or not", () => {
    for (let seed = 1; seed <= 1_000; seed += 1) {
      const random = seeded(seed);
      const timelines = [new Timeline(ROOM), new Timeline(ROOM)];
      const [looked] = timelines;
      const both = (act: (timeline: Timeline) => void) => timelines.forEach(act);
      both((timeline) => timeline.mergePage({ messages: [message(20)], nextCursor: "older" }));
      for (let step = 0; step < 20; step += 1) {
        const seq = 1 + Math.floor(random() * 40);
        const kind = random();
        if (kind < 0.2) both((timeline) => timeline.change(`m${seq}`, (m) => ({ ...m, content: `changed ${step}` })));
        else if (kind < 0.3) both((timeline) => timeline.mergeAround({ messages: [message(seq + 1), message(seq)], nextCursor: "o", newerCursor: "n" }));
        else if (kind < 0.4) both((timeline) => timeline.leaveAside());
        else both((timeline) => timeline.store(message(seq)));
        looked!.messages();
      }
      const [one, other] = timelines.map((timeline) => timeline.messages());
      expect(one, `seed ${seed}`).toEqual(other);
    }
  });
});
