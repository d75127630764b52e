// Names that no list of members told: of authors who left, and of most people
// in a large room. Asked for one after the other, lest a page be a crowd.

import type { Environment, Timer } from "./environment.js";
import { ApiError } from "./http.js";
import type { User } from "./types.js";

/** The members of the room are on their way, and name most of them. */
const SETTLE_MS = 500;
const RETRY_MS = 5_000;

export interface StrangersPort {
  onScreen(): Iterable<string>;
  isKnown(userId: string): boolean;
  ask(userId: string): Promise<User>;
  met(users: readonly User[]): void;
}

export class Strangers {
  /** Asked for already: who is nobody stays nobody. */
  private asked = new Set<string>();
  private waiting = new Set<string>();
  private timer: Timer | null = null;
  private asking = false;
  /** The screen changed while somebody was asked for. */
  private stale = false;

  constructor(
    private readonly env: Pick<Environment, "setTimeout" | "clearTimeout">,
    private readonly port: StrangersPort,
  ) {}

  /** Who is on screen may have changed. */
  refresh(): void {
    this.soon(SETTLE_MS);
  }

  /** Shown elsewhere than in a room. */
  look(userIds: Iterable<string>): void {
    for (const userId of userIds) this.waiting.add(userId);
    this.refresh();
  }

  /** The session is over: answers that are under way are none. */
  clear(): void {
    if (this.timer) this.env.clearTimeout(this.timer);
    this.timer = null;
    this.asked = new Set();
    this.waiting = new Set();
  }

  private soon(delayMs: number): void {
    this.stale = true;
    if (this.asking) return;
    this.timer ??= this.env.setTimeout(() => {
      this.timer = null;
      void this.ask();
    }, delayMs);
  }

  private async ask(): Promise<void> {
    const { waiting, asked, port } = this;
    for (const userId of port.onScreen()) waiting.add(userId);
    this.asking = true;
    this.stale = false;
    let pauseMs = SETTLE_MS;
    for (const userId of waiting) {
      try {
        if (!port.isKnown(userId) && !asked.has(userId)) {
          const user = await port.ask(userId);
          if (waiting !== this.waiting) break;
          port.met([user]);
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.retryable) {
          pauseMs = Math.max(RETRY_MS, error.retryAfterMs ?? 0);
          break;
        }
        asked.add(userId);
      }
      waiting.delete(userId);
    }
    this.asking = false;
    if (this.stale || this.waiting.size > 0) this.soon(pauseMs);
  }
}
