// What is unread in each room: exact counts from the server, and between two of
// them what is told of the room. A room at level `bump` tells how many messages
// there are, one at level `full` tells each of them. Where that is not enough,
// such as of mentions, the server counts by itself.

import { isCounts } from "./decode.js";
import { isMessageEvent, type Counts, type LogEvent, type RoomHead } from "./frames.js";

export interface RoomState {
  /** The last number of the room's log that is known of. */
  readonly head: number;
  readonly read: number;
  readonly unread: number;
  readonly mentions: number;
}

/** Exact counts, as of when the room was so far. */
export interface Counted extends Counts {
  head: number;
  messages: number;
}

interface Entry extends Counts {
  head: number;
  /** The running count of messages at `head`; null where it is not known. */
  messages: number | null;
  /** Messages up to here are in the last exact count. */
  exactTo: number;
  /** Creation numbers of what was added to it since, lest a deletion take off what was not counted. */
  counted: Set<number>;
  /** Made before the present connection: its first word is believed, whatever it says. */
  stale: boolean;
  state: RoomState | null;
}

export interface CountBookPort {
  me(): string | null;
  changed(): void;
  /** A message was sent in the room. */
  active(roomId: string): void;
}

export class CountBook {
  private readonly entries = new Map<string, Entry>();
  private view: ReadonlyMap<string, RoomState> | null = null;

  constructor(private readonly port: CountBookPort) {}

  get states(): ReadonlyMap<string, RoomState> {
    this.view ??= new Map([...this.entries].map(([roomId, entry]) => [roomId, (entry.state ??= stateOf(entry))]));
    return this.view;
  }

  connected(): void {
    for (const entry of this.entries.values()) entry.stale = true;
  }

  /** A room the list knows of: what comes from now on is news. */
  known(roomId: string, head: number): void {
    if (this.entries.has(roomId)) return;
    this.update(roomId, { ...empty(), head, read: head, received: head, exactTo: head, stale: true });
  }

  forget(roomId: string): void {
    if (!this.entries.delete(roomId)) return;
    this.view = null;
    this.port.changed();
  }

  clear(): void {
    this.entries.clear();
    this.view = null;
  }

  head(data: RoomHead): void {
    const entry = this.entries.get(data.room);
    const fresh = entry && !entry.stale;
    // Written before what has come since.
    if (fresh && data.head < entry.head) return;
    const counts = isCounts(data) ? data : null;
    const messages = data.messages ?? null;
    if (fresh && messages !== null) {
      if (entry.messages !== null && messages > entry.messages) this.port.active(data.room);
      // A mark of our own is on its way there, and the counts are those before it.
      if (counts && counts.read < entry.read) return this.bump(data.room, data.head, messages);
    }
    this.update(data.room, {
      ...(entry ?? empty()),
      ...(counts && { received: counts.received, read: counts.read, unread: counts.unread, mentions: counts.mentions }),
      head: data.head,
      messages,
      exactTo: data.head,
      counted: new Set(),
      stale: false,
    });
  }

  bump(roomId: string, head: number, messages: number): void {
    const entry = this.entries.get(roomId);
    if (!entry) return this.update(roomId, { ...empty(), head, messages, exactTo: head });
    if (head < entry.head) return;
    // Without a former count the numbers of the log stand in: a little too many, never too few.
    const more = Math.max(0, entry.messages === null ? head - entry.head : messages - entry.messages);
    this.update(roomId, { ...entry, head, messages, unread: entry.unread + more });
    if (more > 0) this.port.active(roomId);
  }

  /** The server counted; what it tells otherwise may have come here before or come later. */
  counted(roomId: string, counted: Counted, followed: boolean): void {
    const { head, messages, received, read, unread, mentions } = counted;
    const entry = this.entries.get(roomId) ?? empty();
    // A mark of our own is on its way there, and the counts are those before it.
    if (read < entry.read) return followed ? undefined : this.bump(roomId, head, messages);
    const later = new Set([...entry.counted].filter((seq) => seq > head));
    // Of a room that is followed each message since is known, of others only their number.
    const since = followed ? later.size : Math.max(0, (entry.messages ?? 0) - messages);
    if (entry.messages !== null && messages > entry.messages) this.port.active(roomId);
    this.update(roomId, {
      ...entry,
      received,
      read,
      mentions,
      unread: unread + since,
      head: Math.max(head, entry.head),
      messages: Math.max(messages, entry.messages ?? 0),
      exactTo: head,
      counted: later,
    });
  }

  /** The log was joined at a head without what lies before it. */
  joined(roomId: string, head: number): void {
    const entry = this.entries.get(roomId);
    if (!entry) return this.known(roomId, head);
    if (head <= entry.head) return;
    this.update(roomId, { ...entry, head, messages: null, unread: entry.unread + head - entry.head });
  }

  /** One event of the log, each once and in order. */
  event(event: LogEvent): void {
    const entry = this.entries.get(event.room);
    if (!entry || event.seq <= entry.head) return;
    const next = { ...entry, head: event.seq };
    if (isMessageEvent(event)) {
      const { d: message } = event;
      const own = message.userId === this.port.me();
      if (event.t === "message.created") {
        if (next.messages !== null) next.messages += 1;
        if (own) read(next, message.seq);
        else if (!message.deletedAt && message.seq > next.read) {
          next.unread += 1;
          next.counted.add(message.seq);
        }
        this.port.active(event.room);
      } else if (event.t === "message.deleted" && !own && message.seq > next.read) {
        if (next.counted.delete(message.seq) || message.seq <= next.exactTo) next.unread -= 1;
      }
    }
    this.update(event.room, next);
  }

  /** The server counted: the answer to a mark, or a mark moved elsewhere. */
  exact(roomId: string, counts: Counts): void {
    const entry = this.entries.get(roomId) ?? empty();
    if (counts.read < entry.read) return;
    const { received, read, unread, mentions } = counts;
    this.update(roomId, { ...entry, received, read, unread, mentions, exactTo: entry.head, counted: new Set() });
  }

  /** Read to the end on this screen, or written by oneself. */
  readTo(roomId: string, seq: number): void {
    const entry = this.entries.get(roomId);
    if (!entry) return;
    const next = { ...entry };
    read(next, seq);
    this.update(roomId, next);
  }

  private update(roomId: string, next: Entry): void {
    // Each message takes a number, so no more can be unread than numbers lie above the mark.
    next.unread = Math.min(Math.max(0, next.unread), Math.max(0, next.head - next.read));
    next.mentions = Math.min(next.mentions, next.unread);
    const before = this.entries.get(roomId)?.state ?? null;
    next.state = stateOf(next);
    const same = before !== null && sameState(before, next.state);
    if (same) next.state = before;
    this.entries.set(roomId, next);
    if (same) return;
    this.view = null;
    this.port.changed();
  }
}

function read(entry: Entry, seq: number): void {
  entry.read = Math.max(entry.read, seq);
  entry.received = Math.max(entry.received, seq);
  entry.unread = 0;
  entry.mentions = 0;
  entry.counted = new Set();
  entry.exactTo = entry.head;
}

function empty(): Entry {
  const marks = { received: 0, read: 0, unread: 0, mentions: 0 };
  return { ...marks, head: 0, messages: null, exactTo: 0, counted: new Set(), stale: false, state: null };
}

function stateOf({ head, read, unread, mentions }: Entry): RoomState {
  // The mark of an own message may be ahead of what was told of the room.
  return { head: Math.max(head, read), read, unread, mentions };
}

function sameState(a: RoomState, b: RoomState): boolean {
  return a.head === b.head && a.read === b.read && a.unread === b.unread && a.mentions === b.mentions;
}
