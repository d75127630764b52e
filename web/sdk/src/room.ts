// One room on screen, or seen lately: its timeline, its pages of history, its
// members and their receipts, and the view made of them.

import { ApiError } from "./http.js";
import { MemberList } from "./members.js";
import { Receipts, type ReceiptMarks } from "./receipts.js";
import { Timeline } from "./timeline.js";
import type { Api } from "./api.js";
import type { Outbox, OutboxItem } from "./outbox.js";
import type { Message, User } from "./types.js";

/** One bubble: a message of the server, or one of ours on its way there. */
export type RoomEntry =
  | { key: string; kind: "message"; message: Message }
  | { key: string; kind: "draft"; draft: OutboxItem };

export interface RoomView {
  entries: readonly RoomEntry[];
  historyLoaded: boolean;
  hasOlder: boolean;
  loading: boolean;
  error: ApiError | null;
  /** The server gives, one after the other, events that happened a while ago. */
  catchingUp: boolean;
  /** How far the members are; null in large rooms and while it is not known. */
  receipts: ReceiptMarks | null;
}

export interface OpenRoomPort {
  later(delayMs: number, action: () => void): void;
  outbox(): Outbox | null;
  /** The view was dropped. */
  changed(room: OpenRoom): void;
  membersSeen(users: readonly User[]): void;
}

const MEMBERS_SETTLE_MS = 300;

export class OpenRoom {
  readonly timeline: Timeline;
  readonly members: MemberList;
  readonly receipts: Receipts;
  open = false;
  /** Ends the time in which the room was left but is still followed. */
  linger: (() => void) | null = null;
  /** The server has answered the subscription on the present socket. */
  joined = false;
  /** Somebody came or went, and the members will be asked for. */
  private membersStale = false;
  /** Receipts have no replay: after each pause they are read anew. */
  receiptsStale = true;
  error: ApiError | null = null;
  private loading = false;
  /** Counts dropped caches, so that an answer to an earlier question is not merged. */
  private generation = 0;
  private view: RoomView | null = null;

  constructor(
    private readonly api: Api,
    readonly roomId: string,
    private readonly port: OpenRoomPort,
  ) {
    this.timeline = new Timeline(roomId);
    this.members = new MemberList(api, roomId, (users) => port.membersSeen(users));
    this.receipts = new Receipts(api, roomId, () => this.changed());
  }

  /** Followed event by event: on screen, or left a moment ago. */
  get held(): boolean {
    return this.open || this.linger !== null;
  }

  get snapshot(): RoomView {
    return (this.view ??= this.build());
  }

  get idle(): boolean {
    return !this.timeline.historyLoaded && !this.loading && !this.error;
  }

  changed(): void {
    this.view = null;
    this.port.changed(this);
  }

  /** Answers that are under way belong to what is gone. */
  discard(): void {
    this.generation += 1;
    this.loading = false;
    this.receipts.reset();
    this.receiptsStale = true;
  }

  async loadLatest(): Promise<void> {
    if (!this.loading) await this.loadPage(undefined);
  }

  async loadOlder(): Promise<void> {
    if (this.loading) return;
    if (!this.timeline.historyLoaded) return this.loadPage(undefined);
    if (this.timeline.nextCursor) await this.loadPage(this.timeline.nextCursor);
  }

  /** People come in crowds, and in replays: one look at the list covers them. */
  reloadMembersSoon(): void {
    if (this.membersStale) return;
    this.membersStale = true;
    this.port.later(MEMBERS_SETTLE_MS, () => {
      this.membersStale = false;
      if (this.open) void this.members.reload();
    });
  }

  async loadReceipts(): Promise<void> {
    if (await this.receipts.load()) this.receiptsStale = false;
  }

  /** A draft whose message is in the log has arrived, acked or not. */
  settle(message: Message): void {
    if (message.clientMsgId) this.port.outbox()?.settle(message.clientMsgId);
  }

  private async loadPage(cursor: string | undefined): Promise<void> {
    const generation = this.generation;
    this.loading = true;
    this.error = null;
    this.changed();
    try {
      const page = await this.api.messages(this.roomId, cursor);
      if (generation !== this.generation) return;
      this.timeline.mergePage(page);
      for (const message of page.messages) this.settle(message);
    } catch (error) {
      if (generation !== this.generation) return;
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    }
    this.loading = false;
    this.changed();
  }

  private build(): RoomView {
    const { timeline } = this;
    const entries: RoomEntry[] = timeline.messages().map((message) => ({
      // The same key before and after the ack, so that the bubble stays in place.
      key: message.clientMsgId ?? message.id,
      kind: "message",
      message,
    }));
    const shown = new Set(entries.map((entry) => entry.key));
    for (const draft of this.port.outbox()?.pending(this.roomId) ?? []) {
      if (!shown.has(draft.clientMsgId)) entries.push({ key: draft.clientMsgId, kind: "draft", draft });
    }
    return {
      entries,
      historyLoaded: timeline.historyLoaded,
      hasOlder: timeline.historyLoaded && timeline.nextCursor !== null,
      loading: this.loading,
      error: this.error,
      catchingUp: timeline.catchingUp,
      receipts: this.receipts.snapshot,
    };
  }
}
