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
  /** Those who are being asked for; another set from the next session on. */
  private asking: Set<string> | null = null;
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
    this.asking = null;
    this.stale = false;
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
    const { waiting } = this;
    for (const userId of this.port.onScreen()) waiting.add(userId);
    this.asking = waiting;
    this.stale = false;
    let pauseMs = RETRY_MS;
    try {
      pauseMs = await this.askFor(waiting);
    } finally {
      if (this.asking === waiting) {
        this.asking = null;
        if (this.stale || waiting.size > 0) this.soon(pauseMs);
      }
    }
  }

  /** One after the other; gives how long to wait with those who are left. */
  private async askFor(waiting: Set<string>): Promise<number> {
    const { asked, port } = this;
    for (const userId of waiting) {
      try {
        if (!port.isKnown(userId) && !asked.has(userId)) {
          const user = await port.ask(userId);
          if (waiting !== this.waiting) return 0;
          port.met([user]);
        }
      } catch (error) {
        if (!(error instanceof ApiError)) {
          // The others come first when this one is asked for again.
          waiting.delete(userId);
          throw error;
        }
        if (error.retryable) return Math.max(RETRY_MS, error.retryAfterMs ?? 0);
        asked.add(userId);
      }
      waiting.delete(userId);
    }
    return SETTLE_MS;
  }
}
