// One room on screen, or seen lately: its timeline, its pages of history, its
// members and their receipts, and the view made of them.

import { ApiError } from "./http.js";
import { MemberList } from "./members.js";
import { Quotes } from "./quotes.js";
import { Receipts, type ReceiptMarks } from "./receipts.js";
import { Thread, type ThreadView } from "./threads.js";
import { Timeline } from "./timeline.js";
import type { Api, PlaceInRoom } from "./api.js";
import type { RoomState } from "./counts.js";
import type { LogEvent, MemberUpdated } from "./frames.js";
import type { Outbox, OutboxItem } from "./outbox.js";
import type { Message, MessagePage, User } from "./types.js";

/** One bubble: a message of the server, or one of ours on its way there. */
export type RoomEntry =
  | { key: string; kind: "message"; message: Message }
  | { key: string; kind: "draft"; draft: OutboxItem };

export interface RoomView {
  entries: readonly RoomEntry[];
  historyLoaded: boolean;
  hasOlder: boolean;
  /** What is shown lies away from the room's end. */
  hasNewer: boolean;
  loading: boolean;
  error: ApiError | null;
  /** The server gives, one after the other, events that happened a while ago. */
  catchingUp: boolean;
  /** How far the members are; null in large rooms and while it is not known. */
  receipts: ReceiptMarks | null;
  /** What shown messages answer, by id; null is what cannot be read any more. */
  quotes: ReadonlyMap<string, Message | null>;
  /** The one that is open. */
  thread: ThreadView | null;
  /** Until when one may only read, and why; null where one may write, undefined where only the list of rooms knows. */
  mute: Mute | null | undefined;
  /** What came while nobody looked at the room's end lies between these numbers of the log. */
  unseen: Unseen | null;
}

/** That one may only read for a time. */
export interface Mute {
  readonly until: number;
  /** Absent where nobody gave one, and where only a refusal told. */
  readonly reason?: string | undefined;
}

export interface Unseen {
  /** The last that was read. */
  readonly after: number;
  readonly to: number;
}

export interface OpenRoomPort {
  later(delayMs: number, action: () => void): void;
  me(): string | null;
  outbox(): Outbox | null;
  /** Somebody stands at its end. */
  isFollowed(): boolean;
  /** With one's own reactions that are on their way. */
  overlay(message: Message): Message;
  /** The view was dropped, perhaps by one of many events. */
  changed(room: OpenRoom, amongMany: boolean): void;
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
  thread: Thread | null = null;
  mute: Mute | null | undefined = undefined;
  unseen: Unseen | null = null;
  private readonly quotes: Quotes;
  private loading = false;
  private underWay: Promise<void> | null = null;
  /** Counts dropped caches, so that an answer to an earlier question is not merged. */
  private generation = 0;
  private view: RoomView | null = null;

  constructor(
    private readonly api: Api,
    readonly roomId: string,
    private readonly port: OpenRoomPort,
  ) {
    this.timeline = new Timeline(roomId, () => port.me());
    this.quotes = new Quotes(api, this.timeline, () => this.changed());
    this.members = new MemberList(api, roomId, (users) => port.membersSeen(users), (users) => this.learnMute(users));
    this.receipts = new Receipts(api, roomId, () => this.changed());
  }

  /** Followed event by event: on screen, or left a moment ago. */
  get held(): boolean {
    return this.open || this.linger !== null;
  }

  get snapshot(): RoomView {
    return (this.view ??= this.build());
  }

  /** Whose names are shown: the members, and those who wrote or deleted what is to be seen. */
  *people(): Iterable<string> {
    for (const { id } of this.members.snapshot.members) yield id;
    const { entries, quotes, thread } = this.snapshot;
    for (const entry of [...entries, ...(thread?.entries ?? [])]) if (entry.kind === "message") yield* namedBy(entry.message);
    for (const message of [thread?.root, ...quotes.values()]) if (message) yield* namedBy(message);
  }

  get isLoading(): boolean {
    return this.loading;
  }

  get idle(): boolean {
    return !this.timeline.historyLoaded && !this.loading && !this.error;
  }

  changed(amongMany = false): void {
    this.view = null;
    this.port.changed(this, amongMany);
  }

  /** Nobody stands further up. */
  get atEnd(): boolean {
    return !this.open || this.port.isFollowed();
  }

  /** What is far above the end is let go, where nobody stands there. */
  trim(): void {
    const root = this.thread?.rootId;
    const inThread = ({ id, threadRoot }: Message) => root !== undefined && (id === root || threadRoot === root);
    if (this.atEnd && this.timeline.trim(inThread)) this.changed();
  }

  /** Somebody looks at its end, where this stands just now. */
  looked(state: RoomState | undefined): void {
    if (!state || state.unread === 0) return;
    this.unseen = { after: state.read, to: state.head };
    this.changed();
  }

  /** Answers that are under way belong to what is gone. */
  discard(): void {
    this.generation += 1;
    this.loading = false;
    this.quotes.reset();
    this.receipts.reset();
    this.receiptsStale = true;
    // Perhaps something was missed.
    this.mute = undefined;
  }

  /** What was told of the room meanwhile is not known: all that is on screen is read anew. */
  restart(): void {
    const rootId = this.thread?.rootId ?? null;
    this.discard();
    this.thread = null;
    if (!this.open) return;
    void this.loadLatest();
    this.reloadMembersSoon();
    this.openThread(rootId);
  }

  async loadLatest(): Promise<void> {
    if (!this.loading) await this.guarded(() => this.load({}, (page) => this.timeline.mergePage(page)));
  }

  async loadOlder(): Promise<void> {
    if (!this.timeline.historyLoaded) return this.loadLatest();
    const place = this.timeline.olderPlace;
    if (this.loading || place === null) return;
    await this.guarded(() => this.load(place, (page) => this.timeline.mergeOlder(page, place)));
  }

  async loadNewer(): Promise<void> {
    const cursor = this.timeline.newerCursor;
    if (this.loading || cursor === null) return;
    await this.guarded(() => this.load({ cursor }, (page) => this.timeline.mergeNewer(page)));
  }

  /** Shows a message among those around it; false when it is not there. */
  async jumpTo(messageId: string): Promise<boolean> {
    let generation: number;
    do {
      // What is being read just now may hold it.
      while (this.underWay && !this.shows(messageId)) await this.underWay.catch(() => {});
      generation = this.generation;
      if (!this.shows(messageId)) await this.load({ around: messageId }, (page) => this.timeline.mergeAround(page));
      // Dropped by a reset while it was being read: then it is asked for again.
    } while (generation !== this.generation && !this.shows(messageId));
    return this.shows(messageId);
  }

  /** Shows what was said first from a moment on, or else last before it; null where nothing was said. */
  async jumpToMoment(at: string): Promise<Message | null> {
    let found: Message | null = null;
    let generation: number;
    do {
      while (this.underWay) await this.underWay.catch(() => {});
      generation = this.generation;
      await this.load({ at }, (page) => {
        this.timeline.mergeAround(page);
        const isSince = ({ createdAt }: Message) => Date.parse(createdAt) >= Date.parse(at);
        found = page.messages.findLast(isSince) ?? page.messages[0] ?? null;
      });
    } while (generation !== this.generation);
    return found;
  }

  jumpToEnd(): void {
    this.timeline.leaveAside();
    this.changed();
  }

  openThread(rootId: string | null): void {
    if (this.thread?.rootId === rootId) return;
    this.thread = rootId === null ? null : new Thread(this.api, this.timeline, rootId, () => this.changed());
    if (this.thread) void this.thread.loadOlder();
    else this.changed();
  }

  private shows(messageId: string): boolean {
    return this.timeline.messages().some(({ id }) => id === messageId);
  }

  /** Somebody came, left, or may do something else than before. */
  memberChanged({ t, d }: LogEvent): void {
    const { userId = "", mutedUntil, reason } = (d ?? {}) as Partial<MemberUpdated>;
    if (t === "member.left") this.receipts.left(userId);
    if (mutedUntil !== undefined && userId === this.port.me()) this.mute = mutedUntil === null ? null : { until: Date.parse(mutedUntil), reason };
    this.reloadMembersSoon();
  }

  /** People come in crowds, and in replays: one look at the list covers them. */
  private reloadMembersSoon(): void {
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

  /** Whoever asks for the members learns his own mute as well. */
  private learnMute(users: readonly User[]): void {
    const own = users.find(({ id }) => id === this.port.me());
    if (!own) return;
    const { muteReason: reason } = own;
    const until = own.mutedUntil ? Date.parse(own.mutedUntil) : null;
    // Older servers keep no reason: what the log told stays.
    if (until !== null && until === this.mute?.until && (!reason || reason === this.mute.reason)) return;
    this.mute = until === null ? null : { until, reason };
    this.changed();
  }

  /** A draft whose message is in the log has arrived, acked or not. */
  settle(message: Message): void {
    if (message.clientMsgId) this.port.outbox()?.settle(message.clientMsgId);
  }

  /** One page at a time. */
  private load(place: PlaceInRoom, merge: (page: MessagePage) => void): Promise<void> {
    const asked = this.ask(place, merge).finally(() => {
      if (this.underWay === asked) this.underWay = null;
    });
    return (this.underWay = asked);
  }

  /** An answer to a question from before a reset is none. */
  private async ask(place: PlaceInRoom, merge: (page: MessagePage) => void): Promise<void> {
    const generation = this.generation;
    this.loading = true;
    this.error = null;
    this.changed();
    const done = this.timeline.readingPage();
    try {
      const page = await this.api.messages(this.roomId, place);
      if (generation !== this.generation) return;
      merge(page);
      for (const message of page.messages) this.settle(message);
    } finally {
      done();
      if (generation === this.generation) {
        this.loading = false;
        this.changed();
      }
    }
  }

  /** What went wrong stands in the room. */
  private async guarded(load: () => Promise<void>): Promise<void> {
    const generation = this.generation;
    try {
      await load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (generation !== this.generation) return;
      this.error = error;
      this.changed();
    }
  }

  private build(): RoomView {
    const { timeline } = this;
    const entries = timeline.messages().map((message) => this.entryOf(message));
    const shown = new Set(entries.map((entry) => entry.key));
    const hasNewer = timeline.newerCursor !== null;
    const pending = (this.port.outbox()?.pending(this.roomId) ?? []).filter(({ clientMsgId }) => !shown.has(clientMsgId));
    const drafts = pending.map((draft): RoomEntry => ({ key: draft.clientMsgId, kind: "draft", draft }));
    if (!hasNewer) entries.push(...drafts);
    const inThread = drafts.filter((entry) => entry.kind === "draft" && this.thread?.belongs(entry.draft));
    return {
      entries,
      historyLoaded: timeline.historyLoaded,
      hasOlder: timeline.historyLoaded && timeline.olderPlace !== null,
      hasNewer,
      quotes: this.quotes.of(entries.map((entry) => (entry.kind === "message" ? entry.message : entry.draft))),
      thread: this.thread?.view(inThread, (message) => this.entryOf(message)) ?? null,
      mute: this.mute,
      unseen: this.unseen,
      loading: this.loading,
      error: this.error,
      catchingUp: timeline.catchingUp,
      receipts: this.receipts.snapshot,
    };
  }

  private entryOf(message: Message): RoomEntry {
    // The same key before and after the ack, so that the bubble stays in place.
    return { key: message.clientMsgId ?? message.id, kind: "message", message: this.port.overlay(message) };
  }
}

const namedBy = ({ userId, by }: Message) => (by ? [userId, by] : [userId]);
