// Holds one socket to its promise: after the answer to a subscription each
// number of the room's log comes once and in order. A repeat or a gap within
// one socket is the server's fault and is counted; between two sockets repeats
// are expected, which is why each socket has its own count.

import type { ServerFrame, SubscribedData } from "./frames.js";

export interface ProtocolFaults {
  repeats: number;
  gaps: number;
}

export class SequenceCheck {
  /** The number that comes next, for each room this socket is live in. */
  private readonly expected = new Map<string, number>();

  constructor(private readonly faults: ProtocolFaults) {}

  see(frame: ServerFrame): void {
    switch (frame.kind) {
      case "subscribed":
        return this.begin(frame.room, frame.d);
      case "reset":
        // An unasked reset ends the subscription.
        return void this.expected.delete(frame.room);
      case "log":
        return this.step(frame.event.room, frame.event.seq);
      default:
        return;
    }
  }

  private begin(room: string, { level, mode, from, head }: SubscribedData): void {
    const live = level === undefined || level === "full";
    const next = mode === "replay" ? from : head + 1;
    if (live && next !== undefined) this.expected.set(room, next);
    else this.expected.delete(room);
  }

  private step(room: string, seq: number): void {
    const expected = this.expected.get(room);
    if (expected === undefined) return;
    if (seq < expected) this.faults.repeats += 1;
    else {
      if (seq > expected) this.faults.gaps += 1;
      this.expected.set(room, seq + 1);
    }
  }
}
