// What others said just now, in whatever room: for notices on the desktop. Of
// rooms that are not followed closely only numbers are told; who wants to know
// more is told by asking for their last messages. That one is mentioned is for
// the server to say.

import { ApiError } from "./http.js";
import { isMessageEvent, type LogEvent, type ServerFrame } from "./frames.js";
import type { Api } from "./api.js";
import type { RoomState } from "./counts.js";
import type { Message } from "./types.js";

/** More than these are not told one by one. */
const LATEST = 5;

type Bump = Extract<ServerFrame, { kind: "bump" }>;

/** Each message, or only that one is mentioned. */
export type NewsKind = "messages" | "mentions";

export interface NewsReader {
  /** What of the room is wanted just now, if anything. */
  wants(roomId: string): NewsKind | null;
  /** In their order, at least one. Of mentions: one of them, or one before them, mentions oneself. */
  tell(roomId: string, messages: readonly Message[], kind: NewsKind): void;
}

export class News {
  reader: NewsReader | null = null;
  private readonly told = new Map<string, number>();
  private readonly named = new Map<string, number>();
  /** Mentions of oneself in a room, when it last grew. */
  private readonly counted = new Map<string, number>();
  private readonly asking = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly me: () => string | null,
  ) {}

  happened(event: LogEvent): void {
    if (event.t === "message.created" && isMessageEvent(event)) this.tell("messages", event.room, 0, [event.d]);
  }

  /** A room grew, of which `state` tells what is known before and after `hear`. */
  grew(bump: Bump, state: () => RoomState | undefined, hear: () => void): void {
    const before = state();
    if (before && bump.head > before.head) void this.ask("messages", bump.room, before.head);
    // The list of rooms may have counted the mention first.
    const mentions = Math.min(before?.mentions ?? 0, this.counted.get(bump.room) ?? Infinity);
    hear();
    const now = state()?.mentions ?? 0;
    this.counted.set(bump.room, now);
    // One is mentioned once more, in something that is not read.
    if (bump.counts && now > mentions) void this.ask("mentions", bump.room, bump.counts.read);
  }

  private async ask(kind: NewsKind, roomId: string, after: number): Promise<void> {
    if (this.reader?.wants(roomId) !== kind || this.asking.has(roomId)) return;
    this.asking.add(roomId);
    try {
      const page = await this.api.messages(roomId, {}, LATEST);
      this.tell(kind, roomId, after, page.messages.toReversed());
    } catch (error) {
      // Whoever looks sees it in the list of rooms.
      if (!(error instanceof ApiError)) throw error;
    } finally {
      this.asking.delete(roomId);
    }
  }

  clear(): void {
    this.told.clear();
    this.named.clear();
    this.counted.clear();
  }

  private tell(kind: NewsKind, roomId: string, after: number, messages: readonly Message[]): void {
    const told = kind === "messages" ? this.told : this.named;
    const since = Math.max(after, told.get(roomId) ?? 0);
    const news = messages.filter(({ seq, userId, deletedAt }) => seq > since && userId !== this.me() && !deletedAt);
    const newest = messages.at(-1)?.seq ?? 0;
    told.set(roomId, Math.max(since, newest));
    if (news.length > 0 && this.reader?.wants(roomId) === kind) this.reader.tell(roomId, news, kind);
  }
}
