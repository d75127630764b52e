// One's own messages: sent through the outbox, edited and deleted over the
// socket when there is one. Both may be repeated, so REST may stand in.

import type { Api } from "./api.js";
import type { Connection } from "./connection.js";
import type { Environment } from "./environment.js";
import { encode } from "./frames.js";
import { Outbox, sendResult } from "./outbox.js";
import type { People } from "./people.js";
import type { RoomStore } from "./rooms.js";
import type { Attachment, Message } from "./types.js";

export interface MessagesPort {
  readonly api: Api;
  readonly connection: Connection;
  readonly people: People;
  readonly rooms: RoomStore;
  refused(code: string): void;
}

export class Messages {
  outbox: Outbox | null = null;

  constructor(
    private readonly env: Environment,
    private readonly port: MessagesPort,
  ) {}

  begin(userId: string): void {
    const { connection, people, rooms, refused } = this.port;
    this.outbox = new Outbox(
      this.env,
      {
        send: (roomId, data, done) =>
          connection.request((ref) => encode.send(ref, roomId, data), (reply) => {
            if (reply?.kind === "error") refused(reply.d.code);
            done(sendResult(reply));
          }),
        acknowledged: (item, ack) => {
          if (!ack.duplicate) people.acknowledged(ack.ts);
          rooms.acknowledged(item, ack, userId);
        },
        changed: (roomId) => rooms.refreshView(roomId),
      },
      userId,
    );
  }

  end(): void {
    this.outbox?.dispose();
    this.outbox = null;
  }

  send(roomId: string, content: string, attachments: readonly Attachment[]): void {
    this.port.people.stoppedComposing(roomId);
    this.outbox?.compose(roomId, content, attachments);
  }

  async edit({ id, roomId }: Message, content: string): Promise<void> {
    const done = await this.port.connection.act((ref) => encode.edit(ref, roomId, id, content));
    if (!done) this.port.rooms.stored(await this.port.api.editMessage(id, content));
  }

  async delete({ id, roomId }: Message): Promise<void> {
    const done = await this.port.connection.act((ref) => encode.delete(ref, roomId, id));
    if (done) return;
    await this.port.api.deleteMessage(id);
    this.port.rooms.deleted(roomId, id, new Date(this.env.now()).toISOString());
  }
}
