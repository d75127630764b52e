// The one client of this page, and the hook that reads it.

import { useCallback, useSyncExternalStore } from "react";
import { ChatClient, type Environment, type Topic } from "@chat/sdk";
import { forgetBlocked } from "./blocked.js";
import { explainUpload } from "./files/kinds.js";
import { forgetPictures } from "./files/pictures.js";
import { Tray } from "./files/tray.js";

/** There before anything is rendered. */
export let chat: ChatClient;
/** What was being written in each room, while the page lives. */
export const unfinished = new Map<string, string>();

/** Files on their way into each room, while the page lives. */
const trays = new Map<string, Tray>();

export function trayOf(roomId: string): Tray {
  let tray = trays.get(roomId);
  if (!tray) {
    tray = new Tray({
      upload: (file, options) => chat.transfer.uploadAttachment(file, file.name, options),
      explain: explainUpload,
      limits: () => chat.messages.limits,
    });
    trays.set(roomId, tray);
  }
  return tray;
}

export function startChat(environment: Environment): void {
  chat = new ChatClient(environment);
  // The next person at this page must not find it.
  chat.on("session", () => {
    unfinished.clear();
    for (const tray of trays.values()) tray.clear();
    trays.clear();
    forgetPictures();
    forgetBlocked();
  });
  chat.start();
}

/** Reads a snapshot and renders again when its topic changes. */
export function useChat<T>(topic: Topic, read: () => T): T {
  const subscribe = useCallback((listener: () => void) => chat.on(topic, listener), [topic]);
  return useSyncExternalStore(subscribe, read);
}
