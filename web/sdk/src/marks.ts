// The own marks on their way to the server: only forward, each at most once a
// second and room, and asked for again after a connection that took them with it.

import type { Counts } from "./frames.js";
import type { Environment, Timer } from "./environment.js";

const PACE_MS = 1_000;

export type MarkResult =
  | { counts: Counts }
  /** Nobody knows whether it arrived; the next connection tries again. */
  | { lost: true }
  | { retryAfterMs: number }
  | { refused: true };

export interface MarksPort {
  sendRead(roomId: string, seq: number, done: (result: MarkResult) => void): void;
  /** False when there is no way to send it now. */
  sendReceived(roomId: string, seq: number): boolean;
  counted(roomId: string, counts: Counts): void;
}

interface Mark {
  /** How far this side wants it, has asked for it, and was told that it stands. */
  wanted: number;
  asked: number;
  known: number;
  pause: Timer | null;
}

interface Lane {
  read: Mark;
  received: Mark;
}

const unmoved = (): Mark => ({ wanted: 0, asked: 0, known: 0, pause: null });

export class Marks {
  private readonly lanes = new Map<string, Lane>();

  constructor(
    private readonly env: Pick<Environment, "setTimeout" | "clearTimeout">,
    private readonly port: MarksPort,
  ) {}

  read(roomId: string, seq: number): void {
    const { read } = this.lane(roomId);
    if (seq <= read.wanted) return;
    read.wanted = seq;
    this.flush(roomId);
  }

  received(roomId: string, seq: number): void {
    const { received } = this.lane(roomId);
    if (seq <= received.wanted) return;
    received.wanted = seq;
    this.flush(roomId);
  }

  /** Where the server says the marks are, moved from here or elsewhere. */
  known(roomId: string, marks: { read: number; received: number }): void {
    const { read, received } = this.lane(roomId);
    read.known = Math.max(read.known, marks.read);
    received.known = Math.max(received.known, marks.received, marks.read);
  }

  /** A mark that the server does not know of yet. */
  pendingRead(roomId: string): number | null {
    const read = this.lanes.get(roomId)?.read;
    return read && read.wanted > read.known ? read.wanted : null;
  }

  /** There is a connection: what the last one lost is asked for again. */
  online(): void {
    for (const [roomId, lane] of this.lanes) {
      lane.read.asked = lane.received.asked = 0;
      this.flush(roomId);
    }
  }

  forget(roomId: string): void {
    const lane = this.lanes.get(roomId);
    for (const { pause } of lane ? [lane.read, lane.received] : []) if (pause) this.env.clearTimeout(pause);
    this.lanes.delete(roomId);
  }

  clear(): void {
    for (const roomId of [...this.lanes.keys()]) this.forget(roomId);
  }

  private flush(roomId: string): void {
    const lane = this.lane(roomId);
    const { read, received } = lane;
    if (!read.pause && read.wanted > Math.max(read.known, read.asked)) {
      read.asked = read.wanted;
      this.pause(roomId, read, PACE_MS);
      this.port.sendRead(roomId, read.wanted, (result) => this.answered(roomId, lane, result));
    }
    // What is read has been received: the other mark is for what lies unread.
    if (received.pause || received.wanted <= Math.max(received.known, received.asked, read.wanted)) return;
    if (!this.port.sendReceived(roomId, received.wanted)) return;
    received.asked = received.wanted;
    this.pause(roomId, received, PACE_MS);
  }

  private answered(roomId: string, lane: Lane, result: MarkResult): void {
    if (this.lanes.get(roomId) !== lane) return;
    if ("counts" in result) {
      this.known(roomId, result.counts);
      this.port.counted(roomId, result.counts);
    } else if ("retryAfterMs" in result) {
      lane.read.asked = 0;
      this.pause(roomId, lane.read, Math.max(PACE_MS, result.retryAfterMs));
    } else if ("refused" in result) {
      // Not to be asked for again; a later message may be.
      lane.read.known = Math.max(lane.read.known, lane.read.asked);
    }
  }

  private pause(roomId: string, mark: Mark, delayMs: number): void {
    if (mark.pause) this.env.clearTimeout(mark.pause);
    mark.pause = this.env.setTimeout(() => {
      mark.pause = null;
      this.flush(roomId);
    }, delayMs);
  }

  private lane(roomId: string): Lane {
    let lane = this.lanes.get(roomId);
    if (!lane) this.lanes.set(roomId, (lane = { read: unmoved(), received: unmoved() }));
    return lane;
  }
}
