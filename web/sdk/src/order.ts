// Messages in the order of their creation. Most come at the end, and change
// near it: the others stay where they are.

import type { Message } from "./types.js";

export const bySeq = (a: Message, b: Message) => a.seq - b.seq;

/** False where they have to be sorted anew. */
export function put(sorted: Message[], message: Message, isNew: boolean): boolean {
  let place = sorted.length;
  while (place > 0 && sorted[place - 1]!.seq >= message.seq) place -= 1;
  if (isNew && place < sorted.length) return false;
  if (!isNew && sorted[place]?.id !== message.id) return false;
  sorted[place] = message;
  return true;
}
