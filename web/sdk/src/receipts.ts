// How far the other members of a small room are: read once when it is opened,
// then kept by what the socket tells.

import { ApiError } from "./http.js";
import type { Api } from "./api.js";
import type { Receipt } from "./frames.js";

/** Beyond it the server tells receipts on request only, and nobody looks at them. */
export const RECEIPTS_MAX_MEMBERS = 50;
const MAX_PAGES = 4;

export type ReceiptMarks = ReadonlyMap<string, { received: number; read: number }>;

/** How far an own message has come, after it is stored. */
export interface Delivery {
  state: "sent" | "delivered" | "read";
  /** How many of the `others` have received and read it. */
  delivered: number;
  read: number;
  others: number;
}

export function deliveryOf(seq: number, marks: ReceiptMarks, me: string, memberCount: number): Delivery {
  const others = Math.max(0, memberCount - 1);
  let delivered = 0;
  let read = 0;
  for (const [userId, mark] of marks) {
    if (userId === me) continue;
    if (mark.read >= seq) read += 1;
    // Who has read a message has received it, whatever the other mark says.
    if (Math.max(mark.received, mark.read) >= seq) delivered += 1;
  }
  const all = (n: number) => others > 0 && n >= others;
  return { state: all(read) ? "read" : all(delivered) ? "delivered" : "sent", delivered, read, others };
}

export class Receipts {
  private marks: ReceiptMarks | null = null;
  private loading = false;
  private generation = 0;

  constructor(
    private readonly api: Api,
    private readonly roomId: string,
    private readonly changed: () => void,
  ) {}

  /** Null while nothing is known. */
  get snapshot(): ReceiptMarks | null {
    return this.marks;
  }

  /** True when the answer came. */
  async load(): Promise<boolean> {
    if (this.loading) return false;
    this.loading = true;
    const generation = this.generation;
    try {
      const receipts: Receipt[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const answer = await this.api.receipts(this.roomId, cursor);
        receipts.push(...answer.receipts);
        if (!answer.nextCursor) break;
        cursor = answer.nextCursor;
      }
      if (generation !== this.generation) return false;
      this.merge(receipts);
      return true;
    } catch (error) {
      // Without them a message is simply "sent"; the next opening asks again.
      if (!(error instanceof ApiError)) throw error;
      return false;
    } finally {
      if (generation === this.generation) this.loading = false;
    }
  }

  merge(receipts: readonly Receipt[]): void {
    const marks = new Map(this.marks);
    for (const { userId, received, read } of receipts) {
      const known = marks.get(userId);
      marks.set(userId, { received: Math.max(received, known?.received ?? 0), read: Math.max(read, known?.read ?? 0) });
    }
    this.marks = marks;
    this.changed();
  }

  left(userId: string): void {
    if (!this.marks?.has(userId)) return;
    const marks = new Map(this.marks);
    marks.delete(userId);
    this.marks = marks;
    this.changed();
  }

  /** The log's numbers begin anew: marks of the old ones say nothing. */
  reset(): void {
    this.generation += 1;
    this.loading = false;
    this.marks = null;
  }
}
