// The thread that is open in a room: its first message, and the replies from
// some page on. New ones come with the room's log.

import { ApiError } from "./http.js";
import type { Api } from "./api.js";
import type { RoomEntry } from "./room.js";
import type { Timeline } from "./timeline.js";
import type { Message } from "./types.js";

export interface ThreadView {
  rootId: string;
  /** Null until the first page, and where it is hidden. */
  root: Message | null;
  /** It is from before one may read: the replies since then are all there is. */
  rootHidden: boolean;
  entries: readonly RoomEntry[];
  hasOlder: boolean;
  loading: boolean;
  error: ApiError | null;
}

export class Thread {
  private floor: number | null = null;
  private cursor: string | null = null;
  private loading = false;
  private error: ApiError | null = null;
  private readTo = 0;
  private rootHidden = false;

  constructor(
    private readonly api: Api,
    private readonly timeline: Timeline,
    readonly rootId: string,
    private readonly changed: () => void,
  ) {}

  async loadOlder(): Promise<void> {
    if (this.loading || (this.floor !== null && this.cursor === null)) return;
    this.loading = true;
    this.error = null;
    this.changed();
    const done = this.timeline.readingPage();
    try {
      const page = await this.api.thread(this.known(), this.cursor ?? undefined);
      this.rootHidden = page.root === undefined;
      this.timeline.take(page.root ? [page.root, ...page.messages] : page.messages);
      this.cursor = page.nextCursor;
      const seqs = page.messages.map(({ seq }) => seq);
      this.floor = page.nextCursor === null ? 0 : Math.min(this.floor ?? Infinity, ...seqs);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    } finally {
      done();
      this.loading = false;
      this.changed();
    }
  }

  /** Somebody sees the newest reply. */
  seen(): void {
    const newest = this.replies().at(-1)?.seq ?? 0;
    if (newest <= this.readTo) return;
    this.readTo = newest;
    this.timeline.change(this.rootId, (root) => (root.thread ? { ...root, thread: { ...root.thread, unread: 0 } } : root));
    this.changed();
    // Told again by the next reply, and by the next opening.
    this.api.readThread(this.known(), newest).catch(() => {});
  }

  belongs({ replyTo }: { replyTo?: string | null }): boolean {
    return replyTo === this.rootId || (replyTo != null && this.timeline.get(replyTo)?.threadRoot === this.rootId);
  }

  view(drafts: readonly RoomEntry[], entryOf: (message: Message) => RoomEntry): ThreadView {
    const root = this.timeline.get(this.rootId);
    return {
      rootId: this.rootId,
      root: root ?? null,
      rootHidden: this.rootHidden,
      entries: [...this.replies().map(entryOf), ...drafts],
      hasOlder: this.cursor !== null,
      loading: this.loading,
      error: this.error,
    };
  }

  /** A message by which the server knows the thread: where its root may not be read, any reply. */
  private known(): string {
    if (this.timeline.get(this.rootId)) return this.rootId;
    return this.timeline.replies(this.rootId, 0).at(-1)?.id ?? this.rootId;
  }

  private replies(): Message[] {
    return this.floor === null ? [] : this.timeline.replies(this.rootId, this.floor);
  }
}
