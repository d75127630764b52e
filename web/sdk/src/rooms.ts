// The rooms on screen and those seen lately: joins each room's timeline with
// the socket's subscription, the pages of history and the outbox.

import { ApiError } from "./http.js";
import { encode, isMessageEvent, type ClientFrame, type HelloData, type Ref, type ServerFrame } from "./frames.js";
import { MemberList } from "./members.js";
import { Timeline, type Step } from "./timeline.js";
import type { Api } from "./api.js";
import type { ReplyFrame } from "./connection.js";
import type { Outbox, OutboxItem } from "./outbox.js";
import type { Message, User } from "./types.js";

/** One bubble: a message of the server, or one of ours on its way there. */
export type RoomEntry =
  | { key: string; kind: "message"; message: Message }
  | { key: string; kind: "draft"; draft: OutboxItem };

export interface RoomView {
  entries: readonly RoomEntry[];
  historyLoaded: boolean;
  hasOlder: boolean;
  loading: boolean;
  error: ApiError | null;
}

export interface RoomPort {
  later(delayMs: number, action: () => void): void;
  request(build: (ref: Ref) => ClientFrame, reply: (frame: ReplyFrame | null) => void): void;
  isReady(): boolean;
  outbox(): Outbox | null;
  changed(roomId: string): void;
  membersChanged(roomId: string): void;
  /** Something about the list of rooms itself changed: names, counts, members. */
  roomsChanged(): void;
  usersSeen(users: readonly User[]): void;
}

interface OpenRoom {
  timeline: Timeline;
  members: MemberList;
  open: boolean;
  /** The server has answered the subscription on the present socket. */
  joined: boolean;
  /** Somebody came or went, and the members will be asked for. */
  membersStale: boolean;
  loading: boolean;
  error: ApiError | null;
  /** Counts dropped caches, so that an answer to an earlier question is not merged. */
  generation: number;
  view: RoomView | null;
}

/** Rooms left lately keep their cursor and messages: going back is instant. */
const CACHED_ROOMS = 12;
const RESUBSCRIBE_MS = 1_000;
const MEMBERS_SETTLE_MS = 300;

export class RoomStore {
  private readonly rooms = new Map<string, OpenRoom>();
  private epoch: string | null = null;
  private userSeq = 0;

  constructor(
    private readonly api: Api,
    private readonly port: RoomPort,
  ) {}

  open(roomId: string): void {
    const room = this.rooms.get(roomId) ?? this.create(roomId);
    // Last in the map is most recent.
    this.rooms.delete(roomId);
    this.rooms.set(roomId, room);
    this.evict();
    if (room.open) return;
    room.open = true;
    room.error = null;
    if (this.port.isReady()) this.subscribe(room);
    void room.members.reload();
    this.changed(room);
  }

  close(roomId: string): void {
    const room = this.rooms.get(roomId);
    if (!room?.open) return;
    room.open = false;
    room.joined = false;
    room.timeline.disconnected();
    if (this.port.isReady()) this.port.request((ref) => encode.unsubscribe(ref, roomId), () => {});
  }

  /** Left or removed: nothing of the room may stay on this screen. */
  forget(roomId: string): void {
    this.close(roomId);
    this.rooms.delete(roomId);
    this.port.changed(roomId);
  }

  /** The session is over. */
  clear(): void {
    const ids = [...this.rooms.keys()];
    for (const room of this.rooms.values()) room.generation += 1;
    this.rooms.clear();
    this.epoch = null;
    this.userSeq = 0;
    for (const roomId of ids) this.port.changed(roomId);
  }

  view(roomId: string): RoomView | null {
    const room = this.rooms.get(roomId);
    if (!room) return null;
    return (room.view ??= this.buildView(room));
  }

  members(roomId: string): MemberList | null {
    return this.rooms.get(roomId)?.members ?? null;
  }

  /** Drops the cached view after the outbox changed. */
  refreshView(roomId: string): void {
    const room = this.rooms.get(roomId);
    if (room) this.changed(room);
  }

  connectionReady(hello: HelloData, userSeq: number): void {
    const known = this.epoch ?? hello.epoch;
    if (known !== hello.epoch) this.forgetClosedRooms();
    const resumable: [string, "full", number][] = [];
    for (const room of this.openRooms()) {
      const after = room.timeline.cursor;
      if (after === null) this.subscribe(room);
      else {
        room.timeline.subscribing();
        resumable.push([room.timeline.roomId, "full", after]);
      }
    }
    const d = { epoch: known, userAfter: this.userSeq || userSeq, rooms: resumable };
    this.epoch = hello.epoch;
    this.userSeq = Math.max(this.userSeq, userSeq);
    this.port.request((ref) => encode.resume(ref, d), (reply) => {
      if (reply?.kind !== "error") return;
      // Refused as a whole; each room can still be asked for by itself.
      for (const room of this.openRooms()) if (!room.joined) this.subscribe(room);
    });
  }

  connectionLost(): void {
    for (const room of this.rooms.values()) {
      room.joined = false;
      room.timeline.disconnected();
    }
  }

  /** No socket for now: show at least what REST can give. */
  connectionWaiting(): void {
    for (const room of this.openRooms()) {
      if (!room.timeline.historyLoaded && !room.loading && !room.error) void this.loadLatest(room);
    }
  }

  frame(frame: ServerFrame): void {
    switch (frame.kind) {
      case "subscribed": {
        const room = this.rooms.get(frame.room);
        if (!room?.open) return;
        room.joined = true;
        const first = room.timeline.cursor === null;
        // Pages read before the log was joined may have a hole after them.
        if (first && room.timeline.historyLoaded) this.step(room, room.timeline.reset(frame.d.head));
        this.step(room, room.timeline.subscribed(frame.d));
        if (frame.d.reason === "membership") this.port.roomsChanged();
        if (!room.timeline.historyLoaded) void this.loadLatest(room);
        return;
      }
      case "log":
        return this.onRoom(frame.event.room, (room) => this.step(room, room.timeline.apply(frame.event)));
      case "reset":
        return this.onRoom(frame.room, (room) => {
          room.joined = false;
          this.step(room, room.timeline.reset(frame.d.head));
          if (frame.d.reason === "membership") return this.port.roomsChanged();
          // An unasked reset ends the subscription as well.
          this.subscribe(room);
        });
      case "lagged":
        return this.onRoom(frame.room, (room) => this.step(room, room.timeline.noticeHead(frame.head)));
      case "heads":
        for (const { room: id, head } of frame.rooms) {
          this.onRoom(id, (room) => this.step(room, room.timeline.noticeHead(head)));
        }
        return;
      case "pong":
        for (const { room: id, head } of frame.heads) {
          this.onRoom(id, (room) => this.step(room, room.timeline.noticeHead(head)));
        }
        return;
      case "userLog":
        this.userSeq = Math.max(this.userSeq, frame.useq);
        return this.port.roomsChanged();
      default:
        return;
    }
  }

  async loadOlder(roomId: string): Promise<void> {
    const room = this.rooms.get(roomId);
    if (!room || room.loading) return;
    // "Try again" after a refused subscription means that as well.
    if (room.error && !room.joined && this.port.isReady()) this.subscribe(room);
    if (!room.timeline.historyLoaded) return this.loadLatest(room);
    if (room.timeline.nextCursor) await this.loadPage(room, room.timeline.nextCursor);
  }

  acknowledged(item: OutboxItem, ack: Extract<ServerFrame, { kind: "ack" }>["d"], userId: string): void {
    this.rooms.get(item.roomId)?.timeline.acknowledge(ack, item, userId);
  }

  stored(message: Message): void {
    this.onRoom(message.roomId, (room) => {
      room.timeline.store(message);
      this.changed(room);
    });
  }

  deleted(roomId: string, messageId: string, at: string): void {
    this.onRoom(roomId, (room) => {
      room.timeline.markDeleted(messageId, at);
      this.changed(room);
    });
  }

  private create(roomId: string): OpenRoom {
    const members = new MemberList(this.api, roomId, (users) => {
      this.port.usersSeen(users);
      this.port.membersChanged(roomId);
    });
    return { timeline: new Timeline(roomId), members, open: false, joined: false, membersStale: false, loading: false, error: null, generation: 0, view: null };
  }

  private subscribe(room: OpenRoom): void {
    const { timeline } = room;
    timeline.subscribing();
    this.port.request((ref) => encode.subscribe(ref, timeline.roomId, timeline.cursor), (reply) => {
      if (reply?.kind !== "error" || !room.open) return;
      timeline.disconnected();
      if (reply.d.retryable) {
        const again = () => room.open && this.port.isReady() && this.subscribe(room);
        return this.port.later(Math.max(reply.d.retryAfterMs ?? 0, RESUBSCRIBE_MS), again);
      }
      room.error = new ApiError({ status: 0, title: reply.d.message, ...reply.d });
      this.changed(room);
    });
  }

  private step(room: OpenRoom, step: Step): void {
    if (step.subscribeAfter !== undefined && room.open) this.subscribe(room);
    if (step.reset) {
      room.generation += 1;
      room.loading = false;
      if (room.open) void this.loadLatest(room);
    }
    for (const event of step.delivered) {
      if (isMessageEvent(event)) this.settle(event.d);
      else if (event.t.startsWith("member.") || event.t.startsWith("room.")) {
        this.port.roomsChanged();
        if (event.t.startsWith("member.")) this.reloadMembersSoon(room);
      }
    }
    if (step.reset || step.delivered.length > 0) this.changed(room);
  }

  /** People come in crowds, and in replays: one look at the list covers them. */
  private reloadMembersSoon(room: OpenRoom): void {
    if (room.membersStale) return;
    room.membersStale = true;
    this.port.later(MEMBERS_SETTLE_MS, () => {
      room.membersStale = false;
      if (room.open) void room.members.reload();
    });
  }

  private async loadLatest(room: OpenRoom): Promise<void> {
    if (!room.loading) await this.loadPage(room, undefined);
  }

  private async loadPage(room: OpenRoom, cursor: string | undefined): Promise<void> {
    const generation = room.generation;
    room.loading = true;
    room.error = null;
    this.changed(room);
    try {
      const page = await this.api.messages(room.timeline.roomId, cursor);
      if (generation !== room.generation) return;
      room.timeline.mergePage(page);
      for (const message of page.messages) this.settle(message);
    } catch (error) {
      if (generation !== room.generation) return;
      if (!(error instanceof ApiError)) throw error;
      room.error = error;
    }
    room.loading = false;
    this.changed(room);
  }

  /** A draft whose message is in the log has arrived, acked or not. */
  private settle(message: Message): void {
    if (message.clientMsgId) this.port.outbox()?.settle(message.clientMsgId);
  }

  private buildView(room: OpenRoom): RoomView {
    const { timeline } = room;
    const messages = timeline.messages();
    const entries: RoomEntry[] = messages.map((message) => ({
      // The same key before and after the ack, so that the bubble stays in place.
      key: message.clientMsgId ?? message.id,
      kind: "message",
      message,
    }));
    const shown = new Set(entries.map((entry) => entry.key));
    for (const draft of this.port.outbox()?.pending(timeline.roomId) ?? []) {
      if (!shown.has(draft.clientMsgId)) entries.push({ key: draft.clientMsgId, kind: "draft", draft });
    }
    return {
      entries,
      historyLoaded: timeline.historyLoaded,
      hasOlder: timeline.historyLoaded && timeline.nextCursor !== null,
      loading: room.loading,
      error: room.error,
    };
  }

  private changed(room: OpenRoom): void {
    room.view = null;
    this.port.changed(room.timeline.roomId);
  }

  private onRoom(roomId: string, act: (room: OpenRoom) => void): void {
    const room = this.rooms.get(roomId);
    if (room?.open) act(room);
  }

  private openRooms(): OpenRoom[] {
    return [...this.rooms.values()].filter((room) => room.open);
  }

  private forgetClosedRooms(): void {
    for (const [roomId, room] of this.rooms) if (!room.open) this.rooms.delete(roomId);
  }

  private evict(): void {
    for (const [roomId, room] of this.rooms) {
      if (this.rooms.size <= CACHED_ROOMS) return;
      if (!room.open) this.rooms.delete(roomId);
    }
  }
}
