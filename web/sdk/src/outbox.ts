// Composed messages on their way to the server. Each keeps the clientMsgId it
// was given when composed, through retries, reconnects and page reloads, so
// the server can tell a repetition from a new message. Per room one message is
// under way at a time: a refused one must not be overtaken by the next.

import { Backoff } from "./backoff.js";
import type { Environment, StorageLike, Timer } from "./environment.js";
import type { ReplyFrame } from "./link.js";
import type { AckData, ErrorData, SendData } from "./frames.js";
import type { Attachment } from "./types.js";

export interface OutboxItem {
  clientMsgId: string;
  roomId: string;
  content: string;
  /** Uploaded before; the message names them. */
  attachments?: Attachment[];
  /** The message that this one answers. */
  replyTo?: string;
  composedAt: string;
  /** Orders messages composed within one millisecond. */
  order: number;
  state: "queued" | "failed";
  /** Why the server refused it for good. */
  error?: { code: string; message: string };
}

export type SendResult = { ack: AckData } | { error: ErrorData } | { lost: true };

/** What an answer, or the lack of one, says of a message. */
export function sendResult(reply: ReplyFrame | null): SendResult {
  if (reply?.kind === "ack") return { ack: reply.d };
  if (reply?.kind === "error") return { error: reply.d };
  return { lost: true };
}

export interface OutboxPort {
  /** Sends one message; must call back once, also when the connection is lost. */
  send(roomId: string, data: SendData, done: (result: SendResult) => void): void;
  acknowledged(item: OutboxItem, ack: AckData): void;
  changed(roomId: string): void;
}

type OutboxEnvironment = Pick<Environment, "storage" | "now" | "random" | "uuid" | "setTimeout" | "clearTimeout">;

/** What one room waits for. */
interface Lane {
  sending: string | null;
  retry: Timer | null;
  backoff: Backoff;
}

/** Refusals that pass by themselves although the frame cannot be retried as it is. */
const PASSING_CODES = new Set(["unauthorized"]);

/** A socket that lives but never answers one frame must not block its room. */
const ANSWER_TIMEOUT_MS = 20_000;

const prefixOf = (userId: string) => `chat.outbox.${userId}.`;

/** Of all tabs, also after the session is over. */
function storedKeys(storage: StorageLike, userId: string): string[] {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  return keys.filter((key) => key.startsWith(prefixOf(userId)));
}

/** On a deliberate logout. A session that ends otherwise keeps what is unsent for the next one. */
export function forgetUnsent(storage: StorageLike, userId: string): void {
  for (const key of storedKeys(storage, userId)) storage.removeItem(key);
}

export class Outbox {
  private readonly items = new Map<string, OutboxItem>();
  /** Ids of those that the storage did not take. */
  private readonly unstored = new Set<string>();
  private readonly lanes = new Map<string, Lane>();
  private readonly prefix: string;
  private connected = false;
  private counter = 0;

  constructor(
    private readonly env: OutboxEnvironment,
    private readonly port: OutboxPort,
    private readonly userId: string,
  ) {
    // One storage key a message: two tabs then never overwrite each other's list.
    this.prefix = prefixOf(userId);
    this.load();
  }

  compose(roomId: string, content: string, attachments: readonly Attachment[] = [], replyTo?: string): OutboxItem {
    const item: OutboxItem = {
      clientMsgId: this.env.uuid(),
      roomId,
      content,
      ...(attachments.length > 0 ? { attachments: [...attachments] } : {}),
      ...(replyTo ? { replyTo } : {}),
      composedAt: new Date(this.env.now()).toISOString(),
      order: this.counter++,
      state: "queued",
    };
    this.save(item);
    this.port.changed(roomId);
    this.pump(roomId);
    return item;
  }

  /** Unsent messages of a room in the order they were composed. */
  pending(roomId: string): OutboxItem[] {
    return [...this.items.values()].filter((item) => item.roomId === roomId).sort(byComposition);
  }

  /** Refused for good, in all rooms, in the order they were composed. */
  failed(): OutboxItem[] {
    return [...this.items.values()].filter((item) => item.state === "failed").sort(byComposition);
  }

  /** What a logout would discard: of other tabs as well, which this one may not have seen. */
  get size(): number {
    return storedKeys(this.env.storage, this.userId).length + this.unstored.size;
  }

  /** The connection is ready: send what waits, also what other tabs left behind. */
  online(): void {
    this.connected = true;
    this.load();
    for (const lane of this.lanes.values()) this.clearRetry(lane);
    for (const roomId of new Set([...this.items.values()].map((item) => item.roomId))) this.pump(roomId);
  }

  /** The connection is gone; sends under way are reported lost by the port. */
  offline(): void {
    this.connected = false;
    for (const lane of this.lanes.values()) this.clearRetry(lane);
  }

  /** The message was seen in the room's log or history: it has arrived. */
  settle(clientMsgId: string): void {
    const item = this.items.get(clientMsgId);
    if (!item) return;
    this.forget(item);
    const lane = this.lane(item.roomId);
    if (lane.sending === clientMsgId) lane.sending = null;
    this.port.changed(item.roomId);
    this.pump(item.roomId);
  }

  retry(clientMsgId: string): void {
    const item = this.items.get(clientMsgId);
    if (item?.state !== "failed") return;
    const { error, ...rest } = item;
    // A key that stands for another message can never succeed; all others are free.
    if (error?.code === "idempotencyConflict") {
      this.forget(item);
      rest.clientMsgId = this.env.uuid();
    }
    this.save({ ...rest, state: "queued" });
    this.port.changed(item.roomId);
    this.pump(item.roomId);
  }

  discard(clientMsgId: string): void {
    const item = this.items.get(clientMsgId);
    if (item?.state !== "failed") return;
    this.forget(item);
    this.port.changed(item.roomId);
  }

  dispose(): void {
    this.offline();
    this.items.clear();
    this.unstored.clear();
    this.lanes.clear();
  }

  private pump(roomId: string): void {
    const lane = this.lane(roomId);
    if (!this.connected || lane.sending || lane.retry) return;
    const item = this.pending(roomId).find((candidate) => candidate.state === "queued");
    if (!item) return;

    lane.sending = item.clientMsgId;
    let answered = false;
    const answer = (result: SendResult) => {
      if (answered) return;
      answered = true;
      this.env.clearTimeout(timeout);
      this.finished(item, lane, result);
    };
    const timeout = this.env.setTimeout(
      () => answer({ error: { code: "unavailable", message: "The server did not answer.", retryable: true } }),
      ANSWER_TIMEOUT_MS,
    );
    const attachments = item.attachments?.map(({ id }) => id);
    const { clientMsgId, content, replyTo } = item;
    const data = { clientMsgId, content, ...(attachments ? { attachments } : {}), ...(replyTo ? { replyTo } : {}) };
    this.port.send(roomId, data, answer);
  }

  private finished(item: OutboxItem, lane: Lane, result: SendResult): void {
    // Settled meanwhile by its own log event: nothing is left to do.
    if (lane.sending !== item.clientMsgId) return;
    lane.sending = null;
    if ("lost" in result) return;

    if ("ack" in result) {
      lane.backoff.reset();
      this.port.acknowledged(item, result.ack);
      this.forget(item);
    } else if (result.error.retryable || PASSING_CODES.has(result.error.code)) {
      const delay = Math.max(lane.backoff.next(), result.error.retryAfterMs ?? 0);
      lane.retry = this.env.setTimeout(() => {
        lane.retry = null;
        this.pump(item.roomId);
      }, delay);
    } else {
      const { code, message } = result.error;
      this.save({ ...item, state: "failed", error: { code, message } });
    }
    this.port.changed(item.roomId);
    this.pump(item.roomId);
  }

  private lane(roomId: string): Lane {
    let lane = this.lanes.get(roomId);
    if (!lane) {
      const backoff = new Backoff(this.env.random, { baseMs: 1_000, maxMs: 30_000 });
      lane = { sending: null, retry: null, backoff };
      this.lanes.set(roomId, lane);
    }
    return lane;
  }

  private clearRetry(lane: Lane): void {
    if (lane.retry) this.env.clearTimeout(lane.retry);
    lane.retry = null;
  }

  private save(item: OutboxItem): void {
    this.items.set(item.clientMsgId, item);
    try {
      this.env.storage.setItem(this.prefix + item.clientMsgId, JSON.stringify(item));
      this.unstored.delete(item.clientMsgId);
    } catch {
      // Storage is full or forbidden: the message lives in memory and is still sent.
      this.unstored.add(item.clientMsgId);
    }
  }

  private forget(item: OutboxItem): void {
    this.items.delete(item.clientMsgId);
    this.unstored.delete(item.clientMsgId);
    this.env.storage.removeItem(this.prefix + item.clientMsgId);
  }

  private load(): void {
    for (const key of storedKeys(this.env.storage, this.userId)) {
      if (this.items.has(key.slice(this.prefix.length))) continue;
      const item = parseItem(this.env.storage.getItem(key));
      if (!item) continue;
      this.items.set(item.clientMsgId, item);
      this.counter = Math.max(this.counter, item.order + 1);
      this.port.changed(item.roomId);
    }
  }
}

function byComposition(a: OutboxItem, b: OutboxItem): number {
  return a.composedAt.localeCompare(b.composedAt) || a.order - b.order;
}

function parseItem(text: string | null): OutboxItem | null {
  try {
    const item = JSON.parse(text ?? "null") as OutboxItem | null;
    const whole = item?.clientMsgId && item.roomId && typeof item.content === "string";
    return whole ? item : null;
  } catch {
    return null;
  }
}
