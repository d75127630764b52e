// What others said just now, in whatever room: for notices on the desktop. Of
// rooms that are not followed closely only numbers are told; who wants to know
// more is told by asking for their last messages.

import { ApiError } from "./http.js";
import { isMessageEvent, type LogEvent } from "./frames.js";
import type { Api } from "./api.js";
import type { Message } from "./types.js";

/** More than these are not told one by one. */
const LATEST = 5;

export interface NewsReader {
  /** Whether anything of the room is wanted just now. */
  wants(roomId: string): boolean;
  /** In their order, at least one. */
  tell(roomId: string, messages: readonly Message[]): void;
}

export class News {
  reader: NewsReader | null = null;
  private readonly told = new Map<string, number>();
  private readonly asking = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly me: () => string | null,
  ) {}

  happened(event: LogEvent): void {
    if (event.t === "message.created" && isMessageEvent(event)) this.tell(event.room, 0, [event.d]);
  }

  /** Something was said after `before`, the last number that was known. */
  async bumped(roomId: string, before: number): Promise<void> {
    if (!this.reader?.wants(roomId) || this.asking.has(roomId)) return;
    this.asking.add(roomId);
    try {
      const page = await this.api.messages(roomId, {}, LATEST);
      this.tell(roomId, before, page.messages.toReversed());
    } catch (error) {
      // Whoever looks sees it in the list of rooms.
      if (!(error instanceof ApiError)) throw error;
    } finally {
      this.asking.delete(roomId);
    }
  }

  clear(): void {
    this.told.clear();
  }

  private tell(roomId: string, before: number, messages: readonly Message[]): void {
    const since = Math.max(before, this.told.get(roomId) ?? 0);
    const news = messages.filter(({ seq, userId, deletedAt }) => seq > since && userId !== this.me() && !deletedAt);
    const newest = messages.at(-1)?.seq ?? 0;
    this.told.set(roomId, Math.max(since, newest));
    if (news.length > 0 && this.reader?.wants(roomId)) this.reader.tell(roomId, news);
  }
}
