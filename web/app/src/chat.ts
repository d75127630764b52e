// The one client of this page, and the hook that reads it.

import { useCallback, useSyncExternalStore } from "react";
import { ChatClient, type Environment, type Topic } from "@chat/sdk";

/** There before anything is rendered. */
export let chat: ChatClient;
/** What was being written in each room, while the page lives. */
export const unfinished = new Map<string, string>();

export function startChat(environment: Environment): void {
  chat = new ChatClient(environment);
  // The next person at this page must not find it.
  chat.on("session", () => unfinished.clear());
  chat.start();
}

/** Reads a snapshot and renders again when its topic changes. */
export function useChat<T>(topic: Topic, read: () => T): T {
  const subscribe = useCallback((listener: () => void) => chat.on(topic, listener), [topic]);
  return useSyncExternalStore(subscribe, read);
}
