// What is read and what is not: joins the counts of all rooms with the own
// marks on their way to the server.

import { CountBook, type Counted, type RoomState } from "./counts.js";
import { isCounts } from "./decode.js";
import { encode, type Counts, type LogEvent, type RoomHead } from "./frames.js";
import { Marks, type MarkResult } from "./marks.js";
import type { Api } from "./api.js";
import type { Environment } from "./environment.js";
import type { SocketPort } from "./link.js";

export interface ReadStatePort extends SocketPort {
  me(): string | null;
  countsChanged(): void;
  active(roomId: string): void;
}

export class ReadState {
  private readonly counts: CountBook;
  private readonly marks: Marks;

  constructor(
    env: Pick<Environment, "setTimeout" | "clearTimeout">,
    private readonly api: Api,
    private readonly port: ReadStatePort,
  ) {
    this.counts = new CountBook({
      me: () => port.me(),
      changed: () => port.countsChanged(),
      active: (roomId) => port.active(roomId),
    });
    this.marks = new Marks(env, {
      sendRead: (roomId, seq, done) => this.sendRead(roomId, seq, done),
      sendReceived: (roomId, seq) => {
        if (!port.isReady() || !port.has("marks")) return false;
        port.tell(encode.markReceived(roomId, seq));
        return true;
      },
      counted: (roomId, counts) => this.counts.exact(roomId, counts),
    });
  }

  get states(): ReadonlyMap<string, RoomState> {
    return this.counts.states;
  }

  /** The next heads are believed, whatever was counted before. */
  distrust(): void {
    this.counts.connected();
  }

  online(): void {
    this.marks.online();
  }

  known(roomId: string, head: number): void {
    this.counts.known(roomId, head);
  }

  forget(roomId: string): void {
    this.marks.forget(roomId);
    this.counts.forget(roomId);
  }

  clear(): void {
    this.marks.clear();
    this.counts.clear();
  }

  head(data: RoomHead): void {
    this.counts.head(data);
    if (isCounts(data)) this.marks.known(data.room, data);
    // On its way again already: the answer will say the same.
    const pending = this.marks.pendingRead(data.room);
    if (pending !== null) this.counts.readTo(data.room, pending);
  }

  bump(roomId: string, head: number, messages: number): void {
    this.counts.bump(roomId, head, messages);
  }

  /** The server counted, though nobody asked: growth alone does not tell. */
  counted(roomId: string, counts: Counted, followed: boolean): void {
    this.marks.known(roomId, counts);
    this.counts.counted(roomId, counts, followed);
  }

  joined(roomId: string, head: number): void {
    this.counts.joined(roomId, head);
  }

  event(event: LogEvent): void {
    this.counts.event(event);
  }

  /** Somebody sees the room's newest message. */
  seen(roomId: string, seq: number): void {
    this.marks.read(roomId, seq);
    this.counts.readTo(roomId, seq);
  }

  arrived(roomId: string, seq: number): void {
    this.marks.received(roomId, seq);
  }

  /** An own message is stored, and the own mark has moved with it. */
  sent(roomId: string, seq: number): void {
    this.marks.known(roomId, { read: seq, received: seq });
    this.counts.readTo(roomId, seq);
  }

  /** The own marks were moved, here or on another device. */
  moved(roomId: string, counts: Counts): void {
    this.marks.known(roomId, counts);
    this.counts.exact(roomId, counts);
  }

  private sendRead(roomId: string, seq: number, done: (result: MarkResult) => void): void {
    if (!this.port.isReady()) {
      // Who reads what REST gives has read it.
      const answer = this.api.moveMarks(roomId, { read: seq });
      return void answer.then((counts) => done({ counts }), () => done({ lost: true }));
    }
    if (!this.port.has("marks")) return done({ refused: true });
    this.port.request((ref) => encode.markRead(ref, roomId, seq), (reply) => {
      if (reply?.kind === "ack" && isCounts(reply.d)) done({ counts: reply.d });
      else if (reply?.kind === "error" && reply.d.retryable) done({ retryAfterMs: reply.d.retryAfterMs ?? 0 });
      else done(reply === null ? { lost: true } : { refused: true });
    });
  }
}
