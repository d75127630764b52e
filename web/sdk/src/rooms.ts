// The rooms on screen and those seen lately: which of them are followed on the
// socket and how closely, and where each frame goes.

import { ApiError } from "./http.js";
import { encode, isMessageEvent, type AckData, type HelloData, type LogEvent, type Ref, type ResumeData, type ServerFrame } from "./frames.js";
import { Pace } from "./pace.js";
import { ReadState } from "./readstate.js";
import { RECEIPTS_MAX_MEMBERS } from "./receipts.js";
import { OpenRoom, type RoomView } from "./room.js";
import type { Api } from "./api.js";
import type { Environment } from "./environment.js";
import type { MemberList } from "./members.js";
import type { OutboxItem } from "./outbox.js";
import type { RoomPort } from "./roomport.js";
import type { Step } from "./timeline.js";

/** Rooms left lately keep their cursor and messages: going back is instant. */
const CACHED_ROOMS = 12;
/** So long a room that was left is followed: looking into another one costs nothing. */
const LINGER_MS = 30_000;
const RESUBSCRIBE_MS = 1_000;

export class RoomStore {
  readonly readState: ReadState;
  private readonly rooms = new Map<string, OpenRoom>();
  private readonly pace: Pace;
  private epoch: string | null = null;
  /** The room whose end is before somebody's eyes. */
  private readingRoom: string | null = null;
  /** The room at whose end somebody stands, whether or not he looks. */
  private followedRoom: string | null = null;

  constructor(
    env: Pick<Environment, "setTimeout" | "clearTimeout">,
    private readonly api: Api,
    private readonly port: RoomPort,
  ) {
    this.readState = new ReadState(env, api, port);
    this.pace = new Pace(env, (roomId) => port.changed(roomId));
  }

  // --- opening and leaving ---------------------------------------------------

  open(roomId: string): void {
    const room = this.rooms.get(roomId) ?? this.create(roomId);
    // Last in the map is most recent.
    this.rooms.delete(roomId);
    this.rooms.set(roomId, room);
    this.evict();
    if (room.open) return;
    const followed = room.linger !== null && room.error === null;
    room.linger?.();
    room.linger = null;
    room.open = true;
    room.error = null;
    room.unseen = null;
    room.looked(this.readState.states.get(roomId));
    if (this.port.isReady() && !followed) this.subscribe(room);
    void room.members.reload();
    this.loadReceipts(room);
    room.changed();
  }

  close(roomId: string): void {
    const room = this.rooms.get(roomId);
    if (!room?.open) return;
    room.open = false;
    room.trim();
    room.linger = this.port.later(LINGER_MS, () => this.letGo(room));
  }

  /** Left or removed: nothing of the room may stay on this screen. */
  forget(roomId: string): void {
    this.rooms.get(roomId)?.linger?.();
    this.rooms.get(roomId)?.discard();
    this.rooms.delete(roomId);
    this.readState.forget(roomId);
    this.port.changed(roomId);
  }

  /** The session is over. */
  clear(): void {
    const ids = [...this.rooms.keys()];
    for (const room of this.rooms.values()) {
      room.linger?.();
      room.discard();
    }
    this.rooms.clear();
    this.readState.clear();
    this.epoch = null;
    this.readingRoom = null;
    this.followedRoom = null;
    for (const roomId of ids) this.port.changed(roomId);
  }

  /** Null when nobody looks, or looks elsewhere than at the end of a room. */
  reading(roomId: string | null): void {
    this.readingRoom = roomId;
    const room = roomId && this.rooms.get(roomId);
    if (!room) return;
    room.looked(this.readState.states.get(room.roomId));
    this.markRead(room);
  }

  /** Null when nobody stands at the end of a room. */
  following(roomId: string | null): void {
    this.followedRoom = roomId;
    const room = roomId && this.rooms.get(roomId);
    if (room) room.trim();
  }

  // --- what is shown ---------------------------------------------------------

  view(roomId: string): RoomView | null {
    return this.rooms.get(roomId)?.snapshot ?? null;
  }

  room(roomId: string): OpenRoom | undefined {
    return this.rooms.get(roomId);
  }

  members(roomId: string): MemberList | null {
    return this.rooms.get(roomId)?.members ?? null;
  }

  *peopleOnScreen(): Iterable<string> {
    for (const room of this.rooms.values()) if (room.open) yield* room.people();
  }

  /** Drops the cached view after the outbox changed. */
  refreshView(roomId: string): void {
    this.rooms.get(roomId)?.changed();
  }

  /** The list of rooms came: now it is known how many members each has. */
  listed(): void {
    for (const room of this.rooms.values()) if (room.open) this.loadReceipts(room);
  }

  // --- connection ------------------------------------------------------------

  resumption(hello: HelloData): ResumeData {
    const rooms: ResumeData["rooms"] = [];
    for (const room of this.heldRooms()) {
      if (room.timeline.cursor !== null) rooms.push([room.roomId, "full", room.timeline.cursor]);
    }
    return { epoch: this.epoch ?? hello.epoch, rooms };
  }

  /** A socket is ready, after a pause: what has no replay is read anew. */
  connected(hello: HelloData, resumption: ResumeData | null): void {
    this.readState.distrust();
    for (const room of this.rooms.values()) room.receiptsStale = true;
    this.moved(hello, resumption);
  }

  /** Another socket has taken over, and was asked for what is in the resumption. */
  moved(hello: HelloData, resumption: ResumeData | null): void {
    if (this.epoch !== null && this.epoch !== hello.epoch) {
      this.readState.distrust();
      this.forgetLeftRooms();
    }
    this.epoch = hello.epoch;
    const resumed = new Set(resumption?.rooms.map(([roomId]) => roomId));
    for (const room of this.heldRooms()) {
      room.joined = false;
      room.timeline.disconnected();
      if (resumed.delete(room.roomId)) room.timeline.subscribing();
      else this.subscribe(room);
    }
    // Let go while the new socket was being opened.
    for (const roomId of resumed) this.lower(roomId);
    this.readState.online();
  }

  /** Refused as a whole; each room can still be asked for by itself. */
  resumeRefused(): void {
    for (const room of this.heldRooms()) if (!room.joined) this.subscribe(room);
  }

  connectionLost(): void {
    for (const room of this.rooms.values()) {
      room.joined = false;
      room.timeline.disconnected();
    }
  }

  /** No socket for now: show at least what REST can give. */
  connectionWaiting(): void {
    for (const room of this.rooms.values()) if (room.open && room.idle) void room.loadLatest();
  }

  frame(frame: ServerFrame): void {
    switch (frame.kind) {
      case "subscribed": {
        const room = this.rooms.get(frame.room);
        // The answer to a lower level only says that the events end here.
        if (!room?.held || (frame.d.level ?? "full") !== "full") return;
        room.joined = true;
        const first = room.timeline.cursor === null;
        // Pages read before the log was joined, or asked for, may have a hole after them.
        if (first && (room.timeline.historyLoaded || room.isLoading)) this.step(room, room.timeline.reset(frame.d.head));
        const answered = room.timeline.subscribed(frame.d, room.atEnd);
        if (frame.d.mode !== "replay" || answered.reset) this.readState.joined(frame.room, frame.d.head);
        this.step(room, answered);
        if (answered.reset) this.port.roomsChanged();
        if (!room.timeline.historyLoaded) void room.loadLatest();
        this.loadReceipts(room);
        return room.changed();
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
        return this.onRoom(frame.room, (room) => {
          room.timeline.lagged(frame.head);
          room.changed();
        });
      case "bump": {
        const { room, head, messages, counts } = frame;
        const followed = this.rooms.get(room)?.joined ?? false;
        if (counts) return this.readState.counted(room, { head, messages, ...counts }, followed);
        // Of a room that is followed each event is counted as it comes.
        return followed ? undefined : this.readState.bump(room, head, messages);
      }
      case "heads":
        for (const data of frame.rooms) {
          this.readState.head(data);
          this.noticeHead(data.room, data.head);
          if (data.room === this.readingRoom) this.rooms.get(data.room)?.looked(this.readState.states.get(data.room));
        }
        return;
      case "pong":
        for (const { room, head } of frame.heads) this.noticeHead(room, head);
        return;
      case "receipts":
        return this.rooms.get(frame.room)?.receipts.merge(frame.users);
      default:
        return;
    }
  }

  // --- messages --------------------------------------------------------------

  async loadOlder(roomId: string): Promise<void> {
    const room = this.rooms.get(roomId);
    if (!room) return;
    // "Try again" after a refused subscription means that as well.
    if (room.error && !room.joined && this.port.isReady()) this.subscribe(room);
    await room.loadOlder();
  }

  acknowledged(item: OutboxItem, ack: AckData, userId: string): void {
    this.rooms.get(item.roomId)?.timeline.acknowledge(ack, item, userId);
    if (ack.seq !== undefined) this.readState.sent(item.roomId, ack.seq);
  }

  /** Something of a room that is followed is known otherwise than by its log. */
  touch(roomId: string, act: (room: OpenRoom) => void): void {
    this.onRoom(roomId, (room) => {
      act(room);
      room.changed();
    });
  }

  private create(roomId: string): OpenRoom {
    return new OpenRoom(this.api, roomId, {
      later: (delayMs, action) => void this.port.later(delayMs, action),
      me: () => this.port.me(),
      outbox: () => this.port.outbox(),
      isFollowed: () => this.followedRoom === roomId,
      overlay: (message) => this.port.overlay(message),
      changed: (room, amongMany) => {
        this.markRead(room);
        if (amongMany) this.pace.changed(roomId);
        else this.port.changed(roomId);
      },
      membersSeen: (users) => {
        this.port.usersSeen(users);
        this.port.membersChanged(roomId);
      },
    });
  }

  private subscribe(room: OpenRoom): void {
    const { timeline } = room;
    timeline.subscribing();
    this.port.request((ref) => encode.subscribe(ref, room.roomId, "full", timeline.cursor), (reply) => {
      if (reply?.kind !== "error" || !room.held) return;
      timeline.disconnected();
      if (reply.d.retryable) {
        const again = () => {
          if (room.held && this.port.isReady()) this.subscribe(room);
        };
        return void this.port.later(Math.max(reply.d.retryAfterMs ?? 0, RESUBSCRIBE_MS), again);
      }
      room.error = new ApiError({ status: 0, title: reply.d.message, ...reply.d });
      room.changed();
    });
  }

  private letGo(room: OpenRoom): void {
    room.linger?.();
    room.linger = null;
    room.joined = false;
    room.receiptsStale = true;
    room.timeline.disconnected();
    this.lower(room.roomId);
  }

  /** From every event to a number now and then. */
  private lower(roomId: string): void {
    if (!this.port.isReady()) return;
    const lower = this.port.has("levels")
      ? (ref: Ref) => encode.subscribe(ref, roomId, "bump", null)
      : (ref: Ref) => encode.unsubscribe(ref, roomId);
    this.port.request(lower, () => {});
  }

  private step(room: OpenRoom, step: Step): void {
    if (step.subscribeAfter !== undefined) this.subscribe(room);
    if (step.reset) room.restart();
    let received = 0;
    for (const event of step.delivered) {
      this.readState.event(event);
      if (room.timeline.isLive(event.seq)) this.port.happened(event);
      if (isMessageEvent(event)) {
        room.settle(event.d);
        if (event.t === "message.created" && event.d.userId !== this.port.me()) received = event.seq;
      } else this.noticeEvent(room, event);
    }
    room.trim();
    if (step.reset || step.delivered.length > 0) room.changed(true);
    // Second: what was read at once needs no other mark.
    if (received > 0 && this.isSmall(room.roomId)) this.readState.arrived(room.roomId, received);
  }

  private noticeEvent(room: OpenRoom, event: LogEvent): void {
    if (!event.t.startsWith("member.") && !event.t.startsWith("room.")) return;
    this.port.roomsChanged();
    if (event.t.startsWith("member.")) room.memberChanged(event);
  }

  private noticeHead(roomId: string, head: number): void {
    this.onRoom(roomId, (room) => this.step(room, room.timeline.noticeHead(head)));
  }

  private markRead(room: OpenRoom): void {
    if (this.readingRoom !== room.roomId || !room.open) return;
    // Away from the end nobody reads it.
    const newest = room.timeline.newerCursor === null && room.timeline.messages().at(-1);
    if (!newest) return;
    this.readState.seen(room.roomId, newest.seq);
  }

  private loadReceipts(room: OpenRoom): void {
    // Not before the log is joined: from then on the socket tells what moves.
    if (!room.open || !room.joined || !room.receiptsStale) return;
    if (this.port.has("receipts") && this.isSmall(room.roomId)) void room.loadReceipts();
  }

  private isSmall(roomId: string): boolean {
    return (this.port.memberCount(roomId) ?? Infinity) <= RECEIPTS_MAX_MEMBERS;
  }

  private onRoom(roomId: string, act: (room: OpenRoom) => void): void {
    const room = this.rooms.get(roomId);
    if (room?.held) act(room);
  }

  private heldRooms(): OpenRoom[] {
    return [...this.rooms.values()].filter((room) => room.held);
  }

  private forgetLeftRooms(): void {
    for (const [roomId, room] of this.rooms) {
      if (room.open) continue;
      room.linger?.();
      room.linger = null;
      this.rooms.delete(roomId);
    }
  }

  private evict(): void {
    for (const [roomId, room] of this.rooms) {
      if (this.rooms.size <= CACHED_ROOMS) return;
      if (room.open) continue;
      if (room.linger) this.letGo(room);
      this.rooms.delete(roomId);
    }
  }
}
