// What the rooms need of whoever keeps them.

import type { LogEvent } from "./frames.js";
import type { Outbox } from "./outbox.js";
import type { ReadStatePort } from "./readstate.js";
import type { Message, User } from "./types.js";

export interface RoomPort extends ReadStatePort {
  /** Gives the way to call it off. */
  later(delayMs: number, action: () => void): () => void;
  outbox(): Outbox | null;
  overlay(message: Message): Message;
  memberCount(roomId: string): number | null;
  changed(roomId: string): void;
  membersChanged(roomId: string): void;
  /** Something about the list of rooms itself changed: names, counts, members. */
  roomsChanged(): void;
  usersSeen(users: readonly User[]): void;
  /** An event of the log that happened just now. */
  happened(event: LogEvent): void;
}
