// The store an application uses, with a topic to listen to for each part of it.

import { Api } from "./api.js";
import { ApiError, HttpClient } from "./http.js";
import { Connection, type ConnectionState } from "./connection.js";
import { Emitter } from "./emitter.js";
import { encode, type ServerFrame } from "./frames.js";
import { Outbox, sendResult } from "./outbox.js";
import { People } from "./people.js";
import { RoomList } from "./roomlist.js";
import { RoomStore } from "./rooms.js";
import { TokenStore } from "./tokens.js";
import { UserLog } from "./userlog.js";
import type { RoomState } from "./counts.js";
import type { Environment } from "./environment.js";
import type { SocketPort } from "./link.js";
import type { MemberView } from "./members.js";
import type { Presence } from "./presence.js";
import type { RoomView } from "./room.js";
import type { ProtocolFaults } from "./sequence.js";
import type { DirectoryPage, Message, NewRoom, Room, Session, User } from "./types.js";

export type Topic =
  | "session"
  | "connection"
  | "rooms"
  | "unread"
  | "users"
  | "presence"
  | `room:${string}`
  | `members:${string}`
  | `typing:${string}`;

export class ChatClient {
  readonly api: Api;
  private readonly http: HttpClient;
  private readonly tokens: TokenStore;
  private readonly emitter = new Emitter<Topic>();
  private readonly connection: Connection;
  private readonly roomStore: RoomStore;
  private outbox: Outbox | null = null;
  private user: User | null = null;
  private connectionState: ConnectionState = { status: "idle" };
  private readonly roomList: RoomList;
  private readonly userLog: UserLog;
  private readonly people: People;
  private stopWaking: (() => void) | null = null;

  constructor(private readonly env: Environment) {
    this.tokens = new TokenStore(env);
    this.http = new HttpClient(env, this.tokens);
    this.http.onSessionEnded = () => this.endSession();
    this.api = new Api(this.http);
    const me = () => this.user?.id ?? null;
    this.roomList = new RoomList(env, this.api, {
      me,
      isCurrent: (userId) => this.user?.id === userId,
      listed: (rooms) => this.listed(rooms),
      changed: () => this.emitter.emit("rooms"),
    });
    const socket: SocketPort = {
      request: (build, reply) => this.connection.request(build, reply),
      tell: (frame) => this.connection.tell(frame),
      has: (feature) => this.connection.has(feature),
      isReady: () => this.connection.isReady,
    };
    this.roomStore = new RoomStore(env, this.api, {
      ...socket,
      me,
      later: (delayMs, action) => {
        const timer = env.setTimeout(action, delayMs);
        return () => env.clearTimeout(timer);
      },
      outbox: () => this.outbox,
      memberCount: (roomId) => this.roomList.find(roomId)?.memberCount ?? null,
      changed: (roomId) => this.emitter.emit(`room:${roomId}`),
      membersChanged: (roomId) => this.emitter.emit(`members:${roomId}`),
      countsChanged: () => this.emitter.emit("unread"),
      active: (roomId) => this.roomList.active(roomId),
      roomsChanged: () => this.roomList.refreshSoon(),
      usersSeen: (users) => {
        this.people.met(users);
        this.people.screenChanged();
      },
      happened: (event) => this.people.happened(event),
    });
    this.people = new People(env, {
      ...socket,
      me,
      onScreen: () => this.peopleOnScreen(),
      usersChanged: () => this.emitter.emit("users"),
      presenceChanged: () => this.emitter.emit("presence"),
      typingChanged: (roomId) => this.emitter.emit(`typing:${roomId}`),
    });
    this.userLog = new UserLog({
      roomAdded: (roomId) => void this.roomList.fetch(roomId),
      roomRemoved: (roomId) => {
        this.roomStore.forget(roomId);
        this.roomList.remove(roomId);
      },
      markMoved: (roomId, counts) => this.roomStore.readState.moved(roomId, counts),
      missed: () => this.roomList.refreshSoon(),
    });
    this.connection = new Connection(env, {
      ticket: async () => (await this.api.socketTicket()).ticket,
      refreshToken: () => this.http.refresh(this.tokens.read()?.token ?? ""),
      stateChanged: (state) => this.connectionChanged(state),
      resumption: (hello, ready) => ({ ...this.roomStore.resumption(hello), userAfter: this.userLog.after(ready) }),
      resumeRefused: () => this.roomStore.resumeRefused(),
      ready: (hello, ready, resumption) => {
        this.userLog.connected(hello, ready, resumption !== null);
        this.roomList.connected();
        this.roomStore.connected(hello, resumption);
        this.people.connected();
        this.outbox?.online();
        void this.refreshRooms();
      },
      moved: (hello, ready, resumption) => {
        this.userLog.connected(hello, ready, true);
        this.roomStore.moved(hello, resumption);
        this.people.connected();
      },
      movedOn: () => this.outbox?.online(),
      frame: (frame) => this.heard(frame),
      lost: () => {
        this.outbox?.offline();
        this.roomStore.connectionLost();
        this.people.connectionLost();
      },
      loggedOut: () => this.endSession(),
    });
    this.tokens.onChange(() => this.adoptStoredSession());
  }

  on(topic: Topic, listener: () => void): () => void {
    return this.emitter.on(topic, listener);
  }

  /** Takes up the stored session, if there is one. */
  start(): void {
    this.adoptStoredSession();
  }

  // --- session ---------------------------------------------------------------

  get currentUser(): User | null {
    return this.user;
  }

  async register(username: string, email: string, password: string): Promise<void> {
    await this.http.alone(async () => this.adopt(await this.api.register(username, email, password)));
  }

  async login(email: string, password: string): Promise<void> {
    await this.http.alone(async () => this.adopt(await this.api.login(email, password)));
  }

  /** Unsent messages are discarded: the next person at this browser must not find them. */
  async logout(): Promise<void> {
    // Told to the server first, but a dead network must not keep anybody in.
    await this.api.logout().catch(() => {});
    this.outbox?.clear();
    this.endSession();
  }

  get unsentCount(): number {
    return this.outbox?.size ?? 0;
  }

  private adopt(session: Session): void {
    this.tokens.write(session.user, session.token);
    this.beginSession(session.user);
  }

  private adoptStoredSession(): void {
    const stored = this.tokens.read()?.user ?? null;
    if (stored?.id === this.user?.id) return;
    if (this.user) this.endSession(false);
    if (stored) this.beginSession(stored);
  }

  private beginSession(user: User): void {
    this.user = user;
    this.people.met([user]);
    this.outbox = new Outbox(
      this.env,
      {
        send: (roomId, data, done) =>
          this.connection.request((ref) => encode.send(ref, roomId, data), (reply) => done(sendResult(reply))),
        acknowledged: (item, ack) => {
          if (!ack.duplicate) this.people.acknowledged(ack.ts);
          this.roomStore.acknowledged(item, ack, user.id);
        },
        changed: (roomId) => this.roomStore.refreshView(roomId),
      },
      user.id,
    );
    this.stopWaking = this.env.onWake(() => this.roomList.refreshSoon());
    this.emitter.emit("session");
    this.connection.start();
    void this.refreshRooms();
  }

  private endSession(clearTokens = true): void {
    if (clearTokens) this.tokens.clear();
    this.connection.stop();
    this.outbox?.dispose();
    this.outbox = null;
    this.stopWaking?.();
    this.stopWaking = null;
    this.roomStore.clear();
    this.roomList.clear();
    this.userLog.clear();
    this.people.clear();
    this.user = null;
    this.emitter.emit("session");
    this.emitter.emit("rooms");
    this.emitter.emit("unread");
  }

  // --- connection ------------------------------------------------------------

  get connectionStatus(): ConnectionState {
    return this.connectionState;
  }

  reconnectNow(): void {
    this.connection.retryNow();
  }

  /** What servers did that the protocol forbids: a diagnosis, nothing to react to. */
  get protocolFaults(): Readonly<ProtocolFaults> {
    return this.connection.faults;
  }

  private connectionChanged(state: ConnectionState): void {
    this.connectionState = state;
    if (state.status === "waiting" || state.status === "stopped") this.roomStore.connectionWaiting();
    this.emitter.emit("connection");
  }

  private heard(frame: ServerFrame): void {
    switch (frame.kind) {
      case "typing":
      case "presence":
        return this.people.frame(frame);
      case "userLog":
        return this.userLog.apply(frame);
      case "heads":
        this.roomList.heads(frame.rooms, frame.more);
    }
    this.roomStore.frame(frame);
  }

  // --- rooms -----------------------------------------------------------------

  /** Null until the first answer; where something was said last comes first. */
  get rooms(): readonly Room[] | null {
    return this.roomList.rooms;
  }

  get roomsError(): ApiError | null {
    return this.roomList.error;
  }

  /** Heads, unread messages and mentions of each room. */
  get roomStates(): ReadonlyMap<string, RoomState> {
    return this.roomStore.readState.states;
  }

  refreshRooms(): Promise<void> {
    return this.roomList.refresh();
  }

  private listed(rooms: readonly Room[]): void {
    this.people.met(rooms.flatMap((room) => room.members ?? []));
    for (const room of rooms) if (room.head !== undefined) this.roomStore.readState.known(room.id, room.head);
    this.roomStore.listed();
    this.people.screenChanged();
  }

  async createRoom(room: NewRoom): Promise<Room> {
    const created = await this.api.createRoom(room);
    await this.refreshRooms();
    return created;
  }

  async joinRoom(roomId: string): Promise<Room> {
    const room = await this.api.joinRoom(roomId);
    await this.refreshRooms();
    return room;
  }

  async leaveRoom(roomId: string): Promise<void> {
    await this.api.leaveRoom(roomId);
    this.roomStore.forget(roomId);
    this.roomList.remove(roomId);
    await this.refreshRooms();
  }

  directory(cursor?: string): Promise<DirectoryPage> {
    return this.api.directory(cursor);
  }

  // --- one room --------------------------------------------------------------

  openRoom(roomId: string): void {
    this.roomStore.open(roomId);
    if (this.connectionState.status === "waiting" || this.connectionState.status === "stopped") {
      this.roomStore.connectionWaiting();
    }
  }

  closeRoom(roomId: string): void {
    this.people.stoppedComposing(roomId);
    this.roomStore.close(roomId);
    this.people.screenChanged();
  }

  /** The room whose end is before somebody's eyes: visible, and scrolled to the newest message. */
  reading(roomId: string | null): void {
    this.roomStore.reading(roomId);
  }

  room(roomId: string): RoomView | null {
    return this.roomStore.view(roomId);
  }

  loadOlder(roomId: string): Promise<void> {
    return this.roomStore.loadOlder(roomId);
  }

  members(roomId: string): MemberView | null {
    return this.roomStore.members(roomId)?.snapshot ?? null;
  }

  loadMoreMembers(roomId: string): Promise<void> {
    return this.roomStore.members(roomId)?.more() ?? Promise.resolve();
  }

  // --- presence and typing ---------------------------------------------------

  /** Everybody met so far, by id. */
  get knownUsers(): ReadonlyMap<string, User> {
    return this.people.users;
  }

  /** By user; who is not in it is not known to be there or away. */
  get presence(): ReadonlyMap<string, Presence> {
    return this.people.presence;
  }

  typingUsers(roomId: string): readonly string[] {
    return this.people.typingUsers(roomId);
  }

  /** Call it at each change of a text that is not sent yet. */
  composing(roomId: string, text: string): void {
    this.people.composing(roomId, text);
  }

  /** Whoever was writing has left the text alone. */
  stoppedComposing(roomId: string): void {
    this.people.stoppedComposing(roomId);
  }

  /** The open rooms first; then the other one of each room for two. */
  private *peopleOnScreen(): Iterable<string> {
    yield* this.roomStore.peopleOnScreen();
    yield* this.roomList.pairs();
  }

  // --- messages --------------------------------------------------------------

  send(roomId: string, content: string): void {
    this.people.stoppedComposing(roomId);
    this.outbox?.compose(roomId, content);
  }

  retrySend(clientMsgId: string): void {
    this.outbox?.retry(clientMsgId);
  }

  discardSend(clientMsgId: string): void {
    this.outbox?.discard(clientMsgId);
  }

  /** Over the socket when there is one; editing twice does no harm, so REST may repeat it. */
  async editMessage(message: Message, content: string): Promise<void> {
    const done = await this.connection.act((ref) => encode.edit(ref, message.roomId, message.id, content));
    if (!done) this.roomStore.stored(await this.api.editMessage(message.id, content));
  }

  async deleteMessage(message: Message): Promise<void> {
    const done = await this.connection.act((ref) => encode.delete(ref, message.roomId, message.id));
    if (done) return;
    await this.api.deleteMessage(message.id);
    this.roomStore.deleted(message.roomId, message.id, new Date(this.env.now()).toISOString());
  }
}
