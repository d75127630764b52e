// A stretch of a room's history away from its end: where a link or a search
// leads. It grows at both ends until it meets what is loaded from the end on.

import type { MessagePage } from "./types.js";

export interface Aside {
  /** Creation numbers of its ends; everything between them is loaded. */
  readonly from: number;
  readonly to: number;
  readonly older: string | null;
  readonly newer: string | null;
}

const seqs = (page: MessagePage) => page.messages.map(({ seq }) => seq);

/** Null where nothing is there. */
export function around(page: MessagePage): Aside | null {
  if (page.messages.length === 0) return null;
  return {
    from: page.nextCursor === null ? 0 : Math.min(...seqs(page)),
    to: Math.max(...seqs(page)),
    older: page.nextCursor,
    newer: page.newerCursor ?? null,
  };
}

export function grownOlder(aside: Aside, page: MessagePage): Aside {
  return { ...aside, from: page.nextCursor === null ? 0 : Math.min(aside.from, ...seqs(page)), older: page.nextCursor };
}

export function grownNewer(aside: Aside, page: MessagePage): Aside {
  return { ...aside, to: Math.max(aside.to, ...seqs(page)), newer: page.newerCursor ?? null };
}
