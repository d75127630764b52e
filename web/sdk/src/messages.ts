// What people do to messages. One's own are sent through the outbox; edits,
// deletions and reactions go over the socket when there is one. They may be
// repeated, so REST may stand in.

import type { Api } from "./api.js";
import type { Connection } from "./connection.js";
import type { Environment } from "./environment.js";
import { encode } from "./frames.js";
import { ApiError } from "./http.js";
import { Outbox, sendResult, type OutboxItem } from "./outbox.js";
import type { People } from "./people.js";
import { Reactions } from "./reactions.js";
import { withReaction } from "./extras.js";
import type { RoomList } from "./roomlist.js";
import type { RoomStore } from "./rooms.js";
import type { Attachment, Message } from "./types.js";

/** What one message may hold, and how long it is open. */
export interface MessageLimits {
  readonly characters: number;
  readonly files: number;
  readonly fileBytes: number;
  /** In which it can be changed, where its room has no time of its own. */
  readonly editWindowSeconds: number;
}

/** As servers are set up, where nobody changed it. */
const USUAL: MessageLimits = { characters: 8_000, files: 10, fileBytes: 9.5 * 1024 * 1024, editWindowSeconds: 300 };

/** A wait is told without the time that its way took. */
const ABOUT_MS = 5_000;

export interface MessagesPort {
  readonly api: Api;
  readonly connection: Connection;
  readonly people: People;
  readonly rooms: RoomStore;
  readonly list: RoomList;
  me(): string | null;
  refused(code: string): void;
  strandedChanged(): void;
}

export class Messages {
  outbox: Outbox | null = null;
  /** Refused, of rooms that are no longer on the list: kept until they are discarded, and no room shows them. */
  stranded: readonly OutboxItem[] = [];
  readonly reactions: Reactions;

  constructor(
    private readonly env: Environment,
    private readonly port: MessagesPort,
  ) {
    const { me, rooms } = port;
    this.reactions = new Reactions({
      me,
      ask: ({ id, roomId }, emoji, on) =>
        this.speaking(roomId, async () => {
          const done = await port.connection.act((ref) => encode.react(ref, roomId, id, emoji, on));
          if (!done) await port.api.react(id, emoji, on);
        }),
      done: ({ id, roomId }, emoji, on) =>
        rooms.touch(roomId, ({ timeline }) => timeline.change(id, (message) => withReaction(message, emoji, me() ?? "", on, me()))),
      changed: (roomId) => rooms.refreshView(roomId),
    });
  }

  /** As the server says, and before it did, as is usual. */
  get limits(): MessageLimits {
    const { contentChars, attachments, fileBytes, editWindowSeconds } = this.port.connection.limits;
    const told = (limit: unknown, usual: number) => (typeof limit === "number" ? limit : usual);
    return {
      characters: told(contentChars, USUAL.characters),
      files: told(attachments, USUAL.files),
      fileBytes: told(fileBytes, USUAL.fileBytes),
      editWindowSeconds: told(editWindowSeconds, USUAL.editWindowSeconds),
    };
  }

  begin(userId: string): void {
    const { connection, people, rooms, refused } = this.port;
    this.outbox = new Outbox(
      this.env,
      {
        send: (roomId, data, done) =>
          connection.request((ref) => encode.send(ref, roomId, data), (reply) => {
            if (reply?.kind === "error") {
              refused(reply.d.code);
              this.noticeMute(roomId, reply.d);
            }
            done(sendResult(reply));
          }),
        acknowledged: (item, ack) => {
          if (!ack.duplicate) people.acknowledged(ack.ts);
          rooms.acknowledged(item, ack, userId);
        },
        changed: (roomId) => {
          rooms.refreshView(roomId);
          this.lookForStranded();
        },
      },
      userId,
    );
  }

  end(): void {
    this.outbox?.dispose();
    this.outbox = null;
  }

  /** The list of rooms, or what waits, has changed. */
  lookForStranded(): void {
    const { list, strandedChanged } = this.port;
    const isGone = ({ roomId }: OutboxItem) => list.rooms !== null && list.find(roomId) === null;
    const stranded = this.outbox?.failed().filter(isGone) ?? [];
    if (stranded.length === this.stranded.length && stranded.every((item, index) => item === this.stranded[index])) return;
    this.stranded = stranded;
    strandedChanged();
  }

  send(roomId: string, content: string, attachments: readonly Attachment[] = [], replyTo?: string): void {
    this.port.people.stoppedComposing(roomId);
    this.port.rooms.room(roomId)?.jumpToEnd();
    this.outbox?.compose(roomId, content, attachments, replyTo);
  }

  retry(clientMsgId: string): void {
    this.outbox?.retry(clientMsgId);
  }

  discard(clientMsgId: string): void {
    this.outbox?.discard(clientMsgId);
  }

  async edit({ id, roomId }: Message, content: string): Promise<void> {
    await this.speaking(roomId, async () => {
      const done = await this.port.connection.act((ref) => encode.edit(ref, roomId, id, content));
      if (done) return;
      const message = await this.port.api.editMessage(id, content);
      this.port.rooms.touch(roomId, ({ timeline }) => timeline.store(message));
    });
  }

  /** The reason is for another's message. */
  async delete({ id, roomId }: Message, reason?: string): Promise<void> {
    const done = !reason && (await this.port.connection.act((ref) => encode.delete(ref, roomId, id)));
    if (done) return;
    await this.port.api.deleteMessage(id, reason);
    const at = new Date(this.env.now()).toISOString();
    this.port.rooms.touch(roomId, ({ timeline }) => timeline.markDeleted(id, at));
  }

  /** Shown at once; undone, and told here, when refused. */
  react(message: Message, emoji: string, on: boolean): Promise<void> {
    return this.reactions.set(message, emoji, on);
  }

  async pin({ id, roomId }: Message, on: boolean): Promise<void> {
    await this.port.api.pin(id, on);
    const pinned = ({ isPinned: _, ...message }: Message): Message => (on ? { ...message, isPinned: true } : message);
    this.port.rooms.touch(roomId, ({ timeline }) => timeline.change(id, pinned));
  }

  private async speaking(roomId: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof ApiError) this.noticeMute(roomId, error);
      throw error;
    }
  }

  /** What is forbidden for a time only tells of a mute that was not known here. */
  private noticeMute(roomId: string, { code, retryAfterMs }: { code: string; retryAfterMs?: number | undefined }): void {
    if (code !== "forbidden" || !retryAfterMs) return;
    const until = this.port.people.clock.now() + retryAfterMs;
    this.port.rooms.touch(roomId, (room) => {
      // Else it was told, with the reason.
      if (Math.abs(until - (room.mute?.until ?? 0)) > ABOUT_MS) room.mute = { until };
    });
  }

  // --- places in a room ------------------------------------------------------

  /** The room at whose end somebody stands, looking or not: of it only the newest messages are kept. Null further up. */
  following(roomId: string | null): void {
    this.port.rooms.following(roomId);
  }

  async loadNewer(roomId: string): Promise<void> {
    await this.port.rooms.room(roomId)?.loadNewer();
  }

  /** Shows a message among those around it; false when it is not there. */
  async jumpTo(roomId: string, messageId: string): Promise<boolean> {
    return (await this.port.rooms.room(roomId)?.jumpTo(messageId)) ?? false;
  }

  /** Shows what was said first from a moment on, or else last before it; null where nothing was said. */
  async jumpToMoment(roomId: string, at: string): Promise<Message | null> {
    return (await this.port.rooms.room(roomId)?.jumpToMoment(at)) ?? null;
  }

  jumpToEnd(roomId: string): void {
    this.port.rooms.room(roomId)?.jumpToEnd();
  }

  openThread(roomId: string, rootId: string | null): void {
    this.port.rooms.room(roomId)?.openThread(rootId);
  }

  loadOlderReplies(roomId: string): void {
    void this.port.rooms.room(roomId)?.thread?.loadOlder();
  }

  threadSeen(roomId: string): void {
    this.port.rooms.room(roomId)?.thread?.seen();
  }
}
