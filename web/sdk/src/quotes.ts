// Messages that are answered by those on screen, and are not on it themselves:
// asked for one after the other, lest a page full of answers be a crowd.

import { ApiError } from "./http.js";
import type { Api } from "./api.js";
import type { Timeline } from "./timeline.js";
import type { Message } from "./types.js";

export class Quotes {
  private readonly gone = new Set<string>();
  private readonly waiting = new Set<string>();
  private asking = false;

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
    this.waiting.clear();
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    for (const id of this.waiting) {
      const done = this.timeline.readingPage();
      try {
        this.timeline.take([await this.api.message(id)]);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        // Without an answer it stands without its text; a reset asks again.
        this.gone.add(id);
      } finally {
        done();
      }
      this.waiting.delete(id);
      this.changed();
    }
    this.asking = false;
  }
}
