// The store an application uses: session, connection, rooms and the open
// room's view, with a topic to listen to for each.

import { Api } from "./api.js";
import { ApiError, HttpClient } from "./http.js";
import { Connection, type ConnectionState, type ReplyFrame } from "./connection.js";
import { Emitter } from "./emitter.js";
import { encode, type ClientFrame, type Ref } from "./frames.js";
import { Outbox, type SendResult } from "./outbox.js";
import { RoomStore, type RoomView } from "./rooms.js";
import { TokenStore } from "./tokens.js";
import type { Environment, Timer } from "./environment.js";
import type { MemberView } from "./members.js";
import type { DirectoryPage, Message, NewRoom, Room, Session, User } from "./types.js";

export type Topic = "session" | "connection" | "rooms" | "users" | `room:${string}` | `members:${string}`;

const ROOMS_POLL_MS = 30_000;
/** Members come in bursts; one look at the list covers them. */
const ROOMS_SETTLE_MS = 300;

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
  private roomList: readonly Room[] | null = null;
  private roomListError: ApiError | null = null;
  private users: ReadonlyMap<string, User> = new Map();
  private roomsTimer: Timer | null = null;
  private roomsDue = 0;
  private stopWaking: (() => void) | null = null;

  constructor(private readonly env: Environment) {
    this.tokens = new TokenStore(env);
    this.http = new HttpClient(env, this.tokens);
    this.http.onSessionEnded = () => this.endSession();
    this.api = new Api(this.http);
    this.roomStore = new RoomStore(this.api, {
      request: (build, reply) => this.connection.request(build, reply),
      later: (delayMs, action) => void env.setTimeout(action, delayMs),
      isReady: () => this.connection.isReady,
      outbox: () => this.outbox,
      changed: (roomId) => this.emitter.emit(`room:${roomId}`),
      membersChanged: (roomId) => this.emitter.emit(`members:${roomId}`),
      roomsChanged: () => this.refreshRoomsIn(ROOMS_SETTLE_MS),
      usersSeen: (users) => this.remember(users),
    });
    this.connection = new Connection(env, {
      ticket: async () => (await this.api.socketTicket()).ticket,
      refreshToken: () => this.http.refresh(this.tokens.read()?.token ?? ""),
      stateChanged: (state) => this.connectionChanged(state),
      ready: (hello, ready) => {
        this.roomStore.connectionReady(hello, ready.userSeq);
        this.outbox?.online();
        void this.refreshRooms();
      },
      frame: (frame) => this.roomStore.frame(frame),
      lost: () => {
        this.outbox?.offline();
        this.roomStore.connectionLost();
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
    this.adopt(await this.api.register(username, email, password));
  }

  async login(email: string, password: string): Promise<void> {
    this.adopt(await this.api.login(email, password));
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
    this.tokens.write({ user: session.user, token: session.token, refreshToken: session.refreshToken });
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
    this.remember([user]);
    this.outbox = new Outbox(
      this.env,
      {
        send: (roomId, data, done) =>
          this.connection.request((ref) => encode.send(ref, roomId, data), (reply) => done(sendResult(reply))),
        acknowledged: (item, ack) => this.roomStore.acknowledged(item, ack, user.id),
        changed: (roomId) => this.roomStore.refreshView(roomId),
      },
      user.id,
    );
    this.stopWaking = this.env.onWake(() => this.refreshRoomsIn(ROOMS_SETTLE_MS));
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
    if (this.roomsTimer) this.env.clearTimeout(this.roomsTimer);
    this.roomsTimer = null;
    this.roomStore.clear();
    this.roomList = null;
    this.roomListError = null;
    this.users = new Map();
    this.user = null;
    this.emitter.emit("session");
    this.emitter.emit("rooms");
  }

  // --- connection ------------------------------------------------------------

  get connectionStatus(): ConnectionState {
    return this.connectionState;
  }

  reconnectNow(): void {
    this.connection.retryNow();
  }

  private connectionChanged(state: ConnectionState): void {
    this.connectionState = state;
    if (state.status === "waiting" || state.status === "stopped") this.roomStore.connectionWaiting();
    this.emitter.emit("connection");
  }

  // --- rooms -----------------------------------------------------------------

  /** Null until the first answer. */
  get rooms(): readonly Room[] | null {
    return this.roomList;
  }

  get roomsError(): ApiError | null {
    return this.roomListError;
  }

  async refreshRooms(): Promise<void> {
    const user = this.user;
    if (!user) return;
    this.refreshRoomsIn(ROOMS_POLL_MS);
    try {
      const rooms = await this.api.rooms();
      if (this.user?.id !== user.id) return;
      this.remember(rooms.flatMap((room) => room.members ?? []));
      this.roomList = [...rooms].sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
      this.roomListError = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.user?.id !== user.id) return;
      this.roomListError = error;
    }
    this.emitter.emit("rooms");
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
    this.roomList = this.roomList?.filter((room) => room.id !== roomId) ?? null;
    this.emitter.emit("rooms");
    await this.refreshRooms();
  }

  directory(cursor?: string): Promise<DirectoryPage> {
    return this.api.directory(cursor);
  }

  private refreshRoomsIn(delayMs: number): void {
    if (!this.user) return;
    const due = this.env.now() + delayMs;
    if (this.roomsTimer && this.roomsDue <= due) return;
    if (this.roomsTimer) this.env.clearTimeout(this.roomsTimer);
    this.roomsDue = due;
    this.roomsTimer = this.env.setTimeout(() => {
      this.roomsTimer = null;
      void this.refreshRooms();
    }, delayMs);
  }

  // --- one room --------------------------------------------------------------

  openRoom(roomId: string): void {
    this.roomStore.open(roomId);
    if (this.connectionState.status === "waiting" || this.connectionState.status === "stopped") {
      this.roomStore.connectionWaiting();
    }
  }

  closeRoom(roomId: string): void {
    this.roomStore.close(roomId);
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

  /** Everybody met so far, by id. */
  get knownUsers(): ReadonlyMap<string, User> {
    return this.users;
  }

  private remember(users: readonly User[]): void {
    const news = users.filter((user) => this.users.get(user.id)?.username !== user.username);
    if (news.length === 0) return;
    this.users = new Map([...this.users, ...news.map((user) => [user.id, user] as const)]);
    this.emitter.emit("users");
  }

  // --- messages --------------------------------------------------------------

  send(roomId: string, content: string): void {
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
    const done = await this.act((ref) => encode.edit(ref, message.roomId, message.id, content));
    if (!done) this.roomStore.stored(await this.api.editMessage(message.id, content));
  }

  async deleteMessage(message: Message): Promise<void> {
    const done = await this.act((ref) => encode.delete(ref, message.roomId, message.id));
    if (done) return;
    await this.api.deleteMessage(message.id);
    this.roomStore.deleted(message.roomId, message.id, new Date(this.env.now()).toISOString());
  }

  /** False when the connection went before the answer came. */
  private act(build: (ref: Ref) => ClientFrame): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.connection.request(build, (reply) => {
        if (reply?.kind === "error") reject(new ApiError({ status: 0, title: reply.d.message, ...reply.d }));
        else resolve(reply !== null);
      });
    });
  }
}

function sendResult(reply: ReplyFrame | null): SendResult {
  if (reply?.kind === "ack") return { ack: reply.d };
  if (reply?.kind === "error") return { error: reply.d };
  return { lost: true };
}
