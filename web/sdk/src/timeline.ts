// What is known of one room: pure state, no timers and no I/O.
//
// Two sources are merged: the room's log (live events and replays, numbered
// without gaps) and pages of history (newest first). The log's rule is
// absolute: an event is applied when its number is the cursor plus one,
// dropped when at or below it, and held while the hole before it is asked for.

import { around, grownNewer, grownOlder, type Aside } from "./aside.js";
import { carriedOver, concerned, folded, withoutExtras } from "./extras.js";
import { isMessageEvent, type AckData, type LogEvent, type SubscribedData } from "./frames.js";
import { bySeq, put } from "./order.js";
import type { PlaceInRoom } from "./api.js";
import type { OutboxItem } from "./outbox.js";
import type { Message, MessagePage } from "./types.js";

/** What the caller has to do, and may want to know, after a change. */
export interface Step {
  /** Log events applied by this step, in order, each exactly once per cursor. */
  delivered: LogEvent[];
  /** Ask the server for the log after this number. */
  subscribeAfter?: number;
  /** The cache was dropped: page the history again. */
  reset?: true;
}

const nothing = (): Step => ({ delivered: [] });

/** So many messages stay of a room at whose end one stands, and so many more before the others are let go. */
const KEPT = 250;
const SLACK = 250;

/** Who has missed so many events reads the newest messages instead, where he may. */
const LONG = 1_000;

export class Timeline {
  /** Number of the last log event applied; null before the first subscription. */
  private lastSeq: number | null = null;
  private readonly held = new Map<number, LogEvent>();
  /** A request for the log is under way, so a further hole need not ask again. */
  private asked = false;
  /** End of the replay being received: holes below it are about to be filled. */
  private replayTo = 0;
  /** The same end, when the server has more to give after it. */
  private replayMoreFrom: number | null = null;
  /** Head the server named while this side was behind it: believed if still so next time. */
  private suspectedHead = 0;
  /** Where this side was when a head was named last. */
  private noticedAt = 0;
  /** Head of a room this socket fell behind in: the server replays up to it by itself. */
  private laggedTo = 0;
  /** Head when the log was last joined: what comes after it happens now. */
  private joinedAt = 0;

  private readonly byId = new Map<string, Message>();
  /** Made from an ack: whatever the server says of them next is better. */
  private readonly provisional = new Set<string>();
  /** Everything from this creation number on is loaded; null before the first page. */
  private floor: number | null = null;
  /** The page above it; null at the beginning of the room. */
  private older: PlaceInRoom | null = null;
  /** What is shown in place of the room's end. */
  private aside: Aside | null = null;
  private sorted: Message[] | null = null;
  /** With so many messages it is time to let go of old ones. */
  private trimAt = KEPT + SLACK;
  /** What was told while pages were being read, which may or may not hold it. */
  private meanwhile: LogEvent[] = [];
  private reading = 0;

  constructor(
    readonly roomId: string,
    private readonly me: () => string | null = () => null,
  ) {}

  get cursor(): number | null {
    return this.lastSeq;
  }

  /** Events are known to be on their way that happened some time ago. */
  get catchingUp(): boolean {
    return this.lastSeq !== null && this.lastSeq < Math.max(this.replayTo, this.replayMoreFrom ?? 0, this.laggedTo);
  }

  /** False for what a replay brings. */
  isLive(seq: number): boolean {
    return seq > Math.max(this.joinedAt, this.laggedTo);
  }

  get historyLoaded(): boolean {
    return this.floor !== null;
  }

  /** Where the next older page is, null at the beginning of the room. */
  get olderPlace(): PlaceInRoom | null {
    return this.aside ? placeAt(this.aside.older) : this.older;
  }

  /** Cursor of the next newer page, null where the room's end is shown. */
  get newerCursor(): string | null {
    return this.aside?.newer ?? null;
  }

  /** Shown messages in the order of their creation, without holes; until the next change. */
  messages(): readonly Message[] {
    this.sorted ??= [...this.byId.values()].filter(({ seq }) => this.isShown(seq)).sort(bySeq);
    return this.sorted;
  }

  /** Known replies of a thread from a number on, in their order. */
  replies(rootId: string, from: number): Message[] {
    return [...this.byId.values()].filter((m) => m.threadRoot === rootId && m.seq >= from).sort(bySeq);
  }

  get(messageId: string): Message | undefined {
    return this.byId.get(messageId);
  }

  /** A subscription was sent; its answer decides where the log goes on. */
  subscribing(): void {
    this.asked = true;
  }

  /** The socket is gone: what was held comes again in the replay. */
  disconnected(): void {
    this.held.clear();
    this.leftLog();
  }

  /** `mayLeap`: nobody looks at what lies far above the end. */
  subscribed(answer: SubscribedData, mayLeap = false): Step {
    this.leftLog();
    if (mayLeap && !this.aside && answer.mode === "replay" && this.lastSeq !== null && answer.head - this.lastSeq >= LONG) {
      // What is on its way is at or below the head, and dropped. With more to come the room is not live: from there on it is.
      return { ...this.reset(answer.head), ...(answer.more && { subscribeAfter: answer.head }) };
    }
    this.joinedAt = answer.head;
    if (answer.mode === "reset") return this.reset(answer.head);
    if (answer.mode === "uptodate") {
      this.lastSeq ??= answer.head;
      return this.drain();
    }
    this.lastSeq ??= answer.from === undefined ? answer.head : answer.from - 1;
    this.replayTo = answer.to ?? 0;
    if (answer.more) {
      this.asked = true;
      this.replayMoreFrom = answer.to ?? this.lastSeq;
    }
    return this.drain();
  }

  /** Drops the cache; the log goes on after `head`. */
  reset(head: number): Step {
    this.held.clear();
    this.byId.clear();
    this.provisional.clear();
    this.sorted = null;
    this.trimAt = KEPT + SLACK;
    this.floor = null;
    this.older = null;
    this.aside = null;
    this.leftLog();
    this.joinedAt = head;
    this.lastSeq = head;
    return { delivered: [], reset: true };
  }

  apply(event: LogEvent): Step {
    if (this.lastSeq !== null && event.seq <= this.lastSeq) return nothing();
    this.held.set(event.seq, event);
    const step = this.drain();
    const holeBefore = this.lastSeq !== null && event.seq > this.lastSeq && event.seq > this.replayTo;
    return holeBefore && !this.asked ? { ...step, ...this.ask(), delivered: step.delivered } : step;
  }

  /** The server holds events back until this socket has room, and then goes on after the last one. */
  lagged(head: number): void {
    this.laggedTo = Math.max(this.laggedTo, head);
  }

  /**
   * The server says the log has reached `head`. Events up to it may still be on
   * their way, so only a head that was named before and is not reached is a hole.
   */
  noticeHead(head: number): Step {
    if (this.lastSeq === null || this.asked) return nothing();
    // Named and not reached is what lagging is, as long as it moves.
    const moving = this.lastSeq < this.laggedTo && this.lastSeq !== this.noticedAt;
    const missing = this.lastSeq < this.suspectedHead && !moving;
    this.noticedAt = this.lastSeq;
    this.suspectedHead = Math.max(this.suspectedHead, head);
    return missing ? this.ask() : nothing();
  }

  /** A page is asked for: until the answer to this is called, what is told is kept beside. */
  readingPage(): () => void {
    this.reading += 1;
    return () => {
      this.reading -= 1;
      if (this.reading === 0) this.meanwhile = [];
    };
  }

  /** What a page says of messages is true of the moment when it was read. */
  take(messages: readonly Message[]): void {
    for (const message of messages) {
      this.store(message, true);
      for (const event of this.meanwhile) if (concerned(event) === message.id) this.fold(event);
    }
  }

  /** The page of what was `olderPlace`: shown where it still is. */
  mergeOlder(page: MessagePage, place: PlaceInRoom): void {
    const now = this.olderPlace;
    if (now?.cursor !== place.cursor || now?.around !== place.around) return this.take(page.messages);
    if (!this.aside) return this.mergePage(page);
    this.take(page.messages);
    this.setAside(grownOlder(this.aside, page));
  }

  mergeNewer(page: MessagePage): void {
    this.take(page.messages);
    if (this.aside) this.setAside(grownNewer(this.aside, page));
  }

  /** Shows what is around a message, wherever that is. */
  mergeAround(page: MessagePage): void {
    this.take(page.messages);
    this.setAside(around(page));
  }

  /** Back to the room's end. */
  leaveAside(): void {
    this.setAside(null);
  }

  mergePage(page: MessagePage): void {
    this.take(page.messages);
    this.older = placeAt(page.nextCursor);
    const oldest = page.messages.reduce((lowest, m) => Math.min(lowest, m.seq), this.floor ?? Infinity);
    if (page.nextCursor === null) this.floor = 0;
    // An empty page with a cursor tells nothing of the numbers; ask on.
    else this.floor = Number.isFinite(oldest) ? oldest : this.floor;
    this.sorted = null;
  }

  /**
   * Lets go of all but the newest, where they are many: a page about the oldest that stays leads on to the others. What
   * is shown away from the end stays, and what is answered by what stays, and what is needed.
   */
  trim(needed: (message: Message) => boolean): boolean {
    // A page that is under way may be older than what it meets here.
    if (this.floor === null || this.reading > 0 || this.byId.size < this.trimAt) return false;
    const { floor, aside } = this;
    const atEnd = [...this.byId.values()].filter(({ seq }) => seq >= floor).sort(bySeq);
    const oldest = atEnd.length > KEPT ? atEnd.at(-KEPT)! : null;
    if (oldest) {
      this.floor = oldest.seq;
      this.older = { around: oldest.id };
    }
    const first = this.floor;
    const stays = (message: Message) => message.seq >= first || needed(message) || (aside !== null && message.seq >= aside.from && message.seq <= aside.to);
    const answered = new Set([...this.byId.values()].filter(stays).map(({ replyTo }) => replyTo));
    for (const message of this.byId.values()) {
      if (stays(message) || answered.has(message.id)) continue;
      this.byId.delete(message.id);
      this.provisional.delete(message.id);
    }
    this.sorted = null;
    this.trimAt = this.byId.size + SLACK;
    return true;
  }

  /**
   * Shows an own message from its ack alone. The log event follows and replaces
   * it under the same id, so there is one bubble whichever comes first.
   */
  acknowledge(ack: AckData, draft: Pick<OutboxItem, "clientMsgId" | "content" | "attachments" | "replyTo">, userId: string): void {
    if (!ack.id || ack.seq === undefined || this.byId.has(ack.id)) return;
    const ts = ack.ts ?? new Date(0).toISOString();
    this.store({
      id: ack.id,
      roomId: this.roomId,
      userId,
      content: draft.content,
      attachments: draft.attachments ?? [],
      createdAt: ts,
      updatedAt: ts,
      seq: ack.seq,
      clientMsgId: draft.clientMsgId,
      ...this.replyFields(draft.replyTo),
    });
    this.provisional.add(ack.id);
  }

  /** Takes a message in its present state, from whatever source; `whole` with all that is told beside its text. */
  store(message: Message, whole = false): void {
    const known = this.byId.get(message.id);
    const older = known !== undefined && !this.provisional.delete(message.id) && isOlder(message, known);
    if (older && !whole) return;
    const extras = whole ? message : known;
    const text = older ? withoutExtras(known) : message;
    // Only the author's own sockets carry the client id; do not lose it.
    const clientMsgId = message.clientMsgId ?? known?.clientMsgId;
    const next = extras && extras !== text ? carriedOver(extras, text) : text;
    this.put(clientMsgId ? { ...next, clientMsgId } : next);
  }

  /** What an event tells of a message that is known, beside its text. */
  fold(event: LogEvent): void {
    const known = this.byId.get(concerned(event) ?? "");
    if (known) this.put(folded(known, event, this.me()));
  }

  change(messageId: string, change: (message: Message) => Message): void {
    const known = this.byId.get(messageId);
    if (known) this.put(change(known));
  }

  markDeleted(messageId: string, at: string): void {
    const known = this.byId.get(messageId);
    if (known && !known.deletedAt) this.store({ ...known, content: "", deletedAt: at, updatedAt: at });
  }

  /** What is new at the end, or changed in its place, leaves the others in their order. */
  private put(message: Message): void {
    const known = this.byId.get(message.id);
    this.byId.set(message.id, message);
    if (known && known.seq !== message.seq) this.sorted = null;
    else if (this.sorted && this.isShown(message.seq) && !put(this.sorted, message, !known)) this.sorted = null;
  }

  private isShown(seq: number): boolean {
    const { from, to } = this.aside ?? { from: this.floor ?? Infinity, to: Infinity };
    return seq >= from && seq <= to;
  }

  private drain(): Step {
    const step = nothing();
    if (this.lastSeq === null) return step;
    for (const seq of this.held.keys()) if (seq <= this.lastSeq) this.held.delete(seq);
    for (let next = this.held.get(this.lastSeq + 1); next; next = this.held.get(this.lastSeq + 1)) {
      this.held.delete(next.seq);
      this.lastSeq = next.seq;
      if (isMessageEvent(next)) this.store(next.d);
      if (concerned(next) !== null) {
        this.fold(next);
        if (this.reading > 0) this.meanwhile.push(next);
      }
      step.delivered.push(next);
    }
    if (this.replayMoreFrom !== null && this.lastSeq >= this.replayMoreFrom) {
      this.replayMoreFrom = null;
      step.subscribeAfter = this.lastSeq;
    }
    return step;
  }

  private replyFields(replyTo: string | undefined): Pick<Message, "replyTo" | "threadRoot"> {
    if (!replyTo) return {};
    return { replyTo, threadRoot: this.byId.get(replyTo)?.threadRoot ?? replyTo };
  }

  private setAside(aside: Aside | null): void {
    this.sorted = null;
    this.aside = aside;
    // Met what is loaded from the end on, or is that end: one stretch.
    if (!aside || (aside.newer !== null && (this.floor === null || aside.to < this.floor))) return;
    this.aside = null;
    if (this.floor !== null && this.floor <= aside.from) return;
    this.floor = aside.from;
    this.older = placeAt(aside.older);
  }

  private leftLog(): void {
    this.asked = false;
    this.replayTo = 0;
    this.replayMoreFrom = null;
    this.suspectedHead = 0;
    this.laggedTo = 0;
  }

  private ask(): Step {
    this.asked = true;
    this.suspectedHead = 0;
    return { delivered: [], subscribeAfter: this.lastSeq! };
  }
}

const placeAt = (cursor: string | null): PlaceInRoom | null => (cursor === null ? null : { cursor });

/** A page may have been read before an edit whose event came first. */
function isOlder(candidate: Message, known: Message): boolean {
  if (known.deletedAt && !candidate.deletedAt) return true;
  if (candidate.deletedAt && !known.deletedAt) return false;
  return Date.parse(candidate.updatedAt) < Date.parse(known.updatedAt);
}
