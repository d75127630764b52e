// Messages that are answered by those on screen, and are not on it themselves:
// asked for one after the other, lest a page full of answers be a crowd.

import { ApiError } from "./http.js";
import type { Api } from "./api.js";
import type { Timeline } from "./timeline.js";
import type { Message } from "./types.js";

export class Quotes {
  private readonly gone = new Set<string>();
  private waiting = new Set<string>();
  /** Those that are being asked for; another set after a reset. */
  private asking: Set<string> | null = null;

  constructor(
    private readonly api: Api,
    private readonly timeline: Timeline,
    private readonly changed: () => void,
  ) {}

  /** Null is what cannot be read any more; what is not in it yet is being asked for. */
  of(messages: Iterable<{ replyTo?: string | null }>): ReadonlyMap<string, Message | null> {
    const found = new Map<string, Message | null>();
    for (const { replyTo } of messages) {
      if (!replyTo) continue;
      const known = this.timeline.get(replyTo);
      if (known) found.set(replyTo, known);
      else if (this.gone.has(replyTo)) found.set(replyTo, null);
      else this.waiting.add(replyTo);
    }
    if (this.waiting.size > 0) void this.ask();
    return found;
  }

  reset(): void {
    this.gone.clear();
    this.waiting = new Set();
    this.asking = null;
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    const { waiting } = this;
    this.asking = waiting;
    try {
      for (const id of waiting) {
        await this.askFor(id, waiting);
        if (waiting !== this.waiting) return;
        waiting.delete(id);
        this.changed();
      }
    } finally {
      if (this.asking === waiting) this.asking = null;
    }
  }

  private async askFor(id: string, waiting: Set<string>): Promise<void> {
    const done = this.timeline.readingPage();
    try {
      const message = await this.api.message(id);
      // An answer to a question from before a reset is none.
      if (waiting === this.waiting) this.timeline.take([message]);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Without an answer it stands without its text; a reset asks again.
      if (waiting === this.waiting) this.gone.add(id);
    } finally {
      done();
    }
  }
}
