// One's own reactions on their way: shown at once, undone when refused. Of
// several changes of mind about one sign the last one counts.

import { withReaction } from "./extras.js";
import type { Message } from "./types.js";

export interface ReactionsPort {
  me(): string | null;
  ask(message: Message, emoji: string, on: boolean): Promise<void>;
  /** The server has it now. */
  done(message: Message, emoji: string, on: boolean): void;
  changed(roomId: string): void;
}

export class Reactions {
  private readonly wishes = new Map<string, Map<string, boolean>>();

  constructor(private readonly port: ReactionsPort) {}

  /** As it will be. */
  overlay(message: Message): Message {
    const me = this.port.me();
    const wishes = this.wishes.get(message.id);
    if (!wishes || me === null || message.deletedAt) return message;
    return [...wishes].reduce((shown, [emoji, on]) => withReaction(shown, emoji, me, on, me), message);
  }

  async set(message: Message, emoji: string, on: boolean): Promise<void> {
    const wishes = this.wishes.get(message.id) ?? new Map<string, boolean>();
    this.wishes.set(message.id, wishes);
    const underWay = wishes.has(emoji);
    wishes.set(emoji, on);
    this.port.changed(message.roomId);
    if (underWay) return;
    try {
      let asked: boolean;
      do {
        asked = wishes.get(emoji)!;
        await this.port.ask(message, emoji, asked);
        this.port.done(message, emoji, asked);
      } while (wishes.get(emoji) !== asked);
    } finally {
      wishes.delete(emoji);
      if (wishes.size === 0) this.wishes.delete(message.id);
      this.port.changed(message.roomId);
    }
  }
}
