// Whom one blocks. What they say where others hear it too is hidden until one asks for it.

import { useSyncExternalStore } from "react";
import { chat } from "./chat.js";

const NOBODY: ReadonlySet<string> = new Set();

let blocked = NOBODY;
const listeners = new Set<() => void>();

function set(next: ReadonlySet<string>): void {
  blocked = next;
  for (const listener of listeners) listener();
}

/** The next person at this page blocks others. */
export const forgetBlocked = () => set(NOBODY);

/** Asks anew: another device may have blocked somebody. */
export async function loadBlocked(): Promise<void> {
  try {
    set(new Set((await chat.account.blocks()).map(({ id }) => id)));
  } catch {
    // As far as it was told before; the next room asks again.
  }
}

export async function block(userId: string, on: boolean): Promise<void> {
  await (on ? chat.account.block(userId) : chat.account.unblock(userId));
  const next = new Set(blocked);
  if (on) next.add(userId);
  else next.delete(userId);
  set(next);
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export const isBlocked = (userId: string) => blocked.has(userId);

export const useBlocked = () => useSyncExternalStore(subscribe, () => blocked);

/** Whose messages are hidden in a room: in a conversation of two nothing new is said. */
export const hiddenIn = (isPair: boolean, all: ReadonlySet<string>) => (isPair ? NOBODY : all);
