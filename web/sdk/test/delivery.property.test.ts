// Whatever the network does to the frames, each log number is delivered exactly
// once and in order (invariant I4 as seen above the SDK).

import { expect, it } from "vitest";
import { Timeline, type Step } from "../src/timeline.js";
import { created, ROOM, seeded } from "./support.js";
import type { LogEvent } from "../src/frames.js";

const LOG_LENGTH = 60;

function run(seed: number): void {
  const random = seeded(seed);
  const chance = (p: number) => random() < p;
  const timeline = new Timeline(ROOM);
  const delivered: number[] = [];
  let head = 0;
  let connected = false;
  /** Frames on their way to the client. */
  let wire: LogEvent[] = [];

  const take = (step: Step) => {
    delivered.push(...step.delivered.map((event) => event.seq));
    if (step.subscribeAfter !== undefined && connected) answer(step.subscribeAfter);
  };
  /** A correct server: at most 7 events at a time, then `more`. */
  const answer = (after: number) => {
    const to = Math.min(head, after + 7);
    for (let seq = after + 1; seq <= to; seq += 1) wire.push(created(seq));
    take(
      to === after
        ? timeline.subscribed({ mode: "uptodate", head })
        : timeline.subscribed({ mode: "replay", from: after + 1, to, more: to < head, head }),
    );
  };
  const connect = () => {
    connected = true;
    timeline.subscribing();
    answer(timeline.cursor ?? 0);
  };
  const cut = () => {
    connected = false;
    wire = [];
    timeline.disconnected();
  };
  const receive = () => {
    const index = chance(0.3) ? Math.floor(random() * wire.length) : 0;
    const [event] = wire.splice(index, 1);
    if (!event) return;
    if (chance(0.1)) wire.push(event);
    if (!chance(0.05)) take(timeline.apply(event));
  };

  // The first subscription must begin at the beginning for the count below.
  connected = true;
  take(timeline.subscribed({ mode: "uptodate", head: 0 }));
  while (head < LOG_LENGTH) {
    if (chance(0.4)) {
      head += 1;
      if (connected) wire.push(created(head));
    }
    if (connected) receive();
    if (connected ? chance(0.05) : chance(0.3)) (connected ? cut : connect)();
  }

  // The storm is over: reconnect and let everything arrive.
  cut();
  connect();
  while (wire.length > 0) {
    const event = wire.shift()!;
    take(timeline.apply(event));
  }
  expect(delivered, `seed ${seed}`).toEqual(Array.from({ length: LOG_LENGTH }, (_, index) => index + 1));
}

it("a storm of drops, duplicates, reorders and reconnects delivers each number once, in order", () => {
  for (let seed = 1; seed <= 500; seed += 1) run(seed);
});
