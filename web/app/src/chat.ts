// The one client of this page, and the hook that reads it.

import { useCallback, useSyncExternalStore } from "react";
import { browserEnvironment, ChatClient, type Topic } from "@chat/sdk";

export const chat = new ChatClient(browserEnvironment());

/** Reads a snapshot and renders again when its topic changes. */
export function useChat<T>(topic: Topic, read: () => T): T {
  const subscribe = useCallback((listener: () => void) => chat.on(topic, listener), [topic]);
  return useSyncExternalStore(subscribe, read);
}
