// What can be done to a message, as its bubble is told of it.

import type { Message } from "@chat/sdk";

export interface Deeds {
  edit(messageId: string | null): void;
  /** `returnFocus` where one does not write into the room afterwards. */
  delete(message: Message, returnFocus?: () => void): void;
  /** Back to where one writes, beside these messages. */
  write(): void;
  /** Null where nothing can be written. */
  reply: ((message: Message) => void) | null;
  react: ((message: Message, emoji: string) => void) | null;
  /** Null where nothing can be changed: who is muted still takes back what he expressed. */
  unreact: ((message: Message, emoji: string) => void) | null;
  /** What was refused, once more. */
  retry: ((clientMsgId: string) => void) | null;
  /** Null in the thread itself. */
  thread: ((rootId: string) => void) | null;
  /** Null for whoever may not. */
  pin: ((message: Message) => void) | null;
  report(message: Message, returnFocus?: () => void): void;
  copyLink(message: Message): void;
}
