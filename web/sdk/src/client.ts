// The store an application uses, with a topic to listen to for each part of it.

import { AccountApi } from "./account.js";
import { Api } from "./api.js";
import { ApiError, HttpClient } from "./http.js";
import { Connection, type ConnectionState } from "./connection.js";
import { Emitter } from "./emitter.js";
import { Me } from "./me.js";
import { Messages } from "./messages.js";
import { News } from "./news.js";
import { Moderation } from "./moderation.js";
import { forgetUnsent } from "./outbox.js";
import { People } from "./people.js";
import { RoomActions } from "./roomactions.js";
import { RoomList } from "./roomlist.js";
import { RoomStore } from "./rooms.js";
import { TokenStore } from "./tokens.js";
import { Transfer } from "./transfer.js";
import { UserLog } from "./userlog.js";
import type { RoomState } from "./counts.js";
import { later, type Environment } from "./environment.js";
import type { ServerFrame } from "./frames.js";
import type { SocketPort } from "./link.js";
import type { MemberView } from "./members.js";
import type { Presence } from "./presence.js";
import type { RoomView } from "./room.js";
import type { ProtocolFaults } from "./sequence.js";
import type { Topic } from "./topics.js";
import type { Room, Session, User } from "./types.js";

export class ChatClient {
  readonly api: Api;
  readonly account: AccountApi;
  readonly transfer: Transfer;
  readonly roomActions: RoomActions;
  readonly moderation: Moderation;
  private readonly http: HttpClient;
  private readonly tokens: TokenStore;
  private readonly emitter = new Emitter<Topic>();
  private readonly connection: Connection;
  private readonly roomStore: RoomStore;
  readonly messages: Messages;
  /** For whoever wants to be told while nobody looks. */
  readonly news: News;
  private readonly me: Me;
  private readonly roomList: RoomList;
  private readonly userLog: UserLog;
  readonly people: People;
  private stopWaking: (() => void) | null = null;

  constructor(private readonly env: Environment) {
    this.tokens = new TokenStore(env);
    this.http = new HttpClient(env, this.tokens);
    this.http.onSessionEnded = () => this.endSession();
    this.http.onRefused = ({ code }) => this.me.refused(code);
    this.api = new Api(this.http);
    this.transfer = new Transfer(env, this.http, this.tokens);
    this.account = new AccountApi(this.http, this.transfer);
    this.news = new News(this.api, () => this.me.user?.id ?? null);
    this.me = new Me(this.tokens, { ask: () => this.api.me(), changed: () => this.meChanged() });
    const me = () => this.me.user?.id ?? null;
    this.roomList = new RoomList(env, this.api, {
      me,
      isCurrent: (userId) => me() === userId,
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
      later: (delayMs, action) => later(env, delayMs, action),
      outbox: () => this.messages.outbox,
      overlay: (message) => this.messages.reactions.overlay(message),
      memberCount: (roomId) => this.roomList.find(roomId)?.memberCount ?? null,
      changed: (roomId) => {
        this.emitter.emit(`room:${roomId}`);
        this.people.screenChanged();
      },
      membersChanged: (roomId) => this.emitter.emit(`members:${roomId}`),
      countsChanged: () => this.emitter.emit("unread"),
      active: (roomId) => this.roomList.active(roomId),
      roomsChanged: () => this.roomList.refreshSoon(),
      usersSeen: (users) => {
        this.people.met(users);
        this.people.screenChanged();
      },
      happened: (event) => {
        this.people.happened(event);
        this.news.happened(event);
      },
    });
    this.roomActions = new RoomActions(this.http, {
      refreshRooms: () => this.refreshRooms(),
      me,
      invitesChanged: () => this.emitter.emit("invites"),
      left: (roomId) => this.removed(roomId),
      membersChanged: (roomId) => void this.roomStore.members(roomId)?.reload(),
      settingsChanged: (roomId, settings) => this.roomList.settingsChanged(roomId, settings),
    });
    this.moderation = new Moderation(this.http, (userIds) => this.people.shown(userIds));
    this.people = new People(env, {
      ...socket,
      me,
      // The open rooms first; then the other one of each room for two.
      onScreen: () => [...this.roomStore.peopleOnScreen(), ...this.roomList.pairs()],
      ask: (userId) => this.api.user(userId),
      usersChanged: () => this.emitter.emit("users"),
      presenceChanged: () => this.emitter.emit("presence"),
      typingChanged: (roomId) => this.emitter.emit(`typing:${roomId}`),
    });
    this.userLog = new UserLog({
      roomAdded: (roomId) => void this.roomList.fetch(roomId),
      roomRemoved: (roomId) => this.removed(roomId),
      markMoved: (roomId, counts) => this.roomStore.readState.moved(roomId, counts),
      settingsChanged: (roomId, settings) => this.roomList.settingsChanged(roomId, settings),
      profileChanged: () => void this.refreshMe(),
      invitesChanged: () => void this.roomActions.refreshInvites(),
      missed: () => {
        this.roomList.refreshSoon();
        this.refreshOwn();
      },
    });
    this.connection = new Connection(env, {
      ticket: async () => (await this.api.socketTicket()).ticket,
      refreshToken: () => this.http.refresh(this.tokens.read()?.token ?? ""),
      stateChanged: () => this.connectionChanged(),
      isMine: ({ user }) => user.id === me(),
      greeted: ({ now }) => this.people.clock.observe(now),
      resumption: (hello, ready) => ({ ...this.roomStore.resumption(hello), userAfter: this.userLog.after(ready) }),
      resumeRefused: () => this.roomStore.resumeRefused(),
      ready: (hello, ready, resumption) => {
        this.userLog.connected(hello, ready, resumption !== null);
        this.roomList.connected();
        this.roomStore.connected(hello, resumption);
        this.people.connected();
        this.messages.outbox?.online();
        void this.refreshRooms();
      },
      moved: (hello, ready, resumption) => {
        this.userLog.connected(hello, ready, true);
        this.roomStore.moved(hello, resumption);
        this.people.connected();
      },
      movedOn: () => this.messages.outbox?.online(),
      frame: (frame) => this.heard(frame),
      lost: () => {
        this.messages.outbox?.offline();
        this.roomStore.connectionLost();
        this.people.connectionLost();
      },
      loggedOut: () => this.endSession(),
    });
    const { api, connection, people, roomStore: rooms, roomList: list } = this;
    const refused = (code: string) => this.me.refused(code);
    const strandedChanged = () => this.emitter.emit("stranded");
    this.messages = new Messages(env, { api, connection, people, rooms, list, me, refused, strandedChanged });
    this.emitter.on("rooms", () => this.messages.lookForStranded());
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
    return this.me.user;
  }

  private refreshOwn(): void {
    void this.refreshMe();
    void this.roomActions.refreshInvites();
  }

  private meChanged(): void {
    if (this.me.user) this.people.met([this.me.user]);
    this.emitter.emit("me");
  }

  /** After the server was told something of the user. */
  refreshMe(): Promise<void> {
    return this.me.refresh();
  }

  async register(username: string, email: string, password: string): Promise<void> {
    await this.http.alone(async () => this.adopt(await this.api.register(username, email, password)));
  }

  /** The code is of a second factor, where one is set. */
  async login(email: string, password: string, code?: string): Promise<void> {
    await this.http.alone(async () => this.adopt(await this.api.login(email, password, code)));
  }

  logout(): Promise<void> {
    // Told to the server first, but a dead network must not keep anybody in.
    return this.leave(() => this.api.logout().catch(() => {}));
  }

  /**
   * Does what ends the session at the server, and then forgets it here. Unsent messages are
   * discarded, also those of other tabs: the next person at this browser must not find them.
   */
  async leave(deed: () => Promise<void>): Promise<void> {
    const userId = this.me.user?.id;
    // The socket may tell of the end before the answer does, or in its place.
    const isOver = () => this.me.user?.id !== userId;
    await deed().catch((error: unknown) => {
      if (!isOver()) throw error;
    });
    if (!isOver()) this.endSession();
    if (userId !== undefined) forgetUnsent(this.env.storage, userId);
  }

  get unsentCount(): number {
    return this.messages.outbox?.size ?? 0;
  }

  private adopt(session: Session): void {
    this.tokens.write(session.user, session.token);
    this.beginSession(session.user);
  }

  private adoptStoredSession(): void {
    const stored = this.tokens.read()?.user ?? null;
    if (stored && stored.id === this.me.user?.id) return this.me.take(stored);
    if (this.me.user) this.endSession();
    if (stored) this.beginSession(stored);
  }

  private beginSession(user: User): void {
    this.me.begin(user);
    this.messages.begin(user.id);
    this.stopWaking = this.env.onWake(() => {
      this.roomList.refreshSoon();
      this.me.returned();
    });
    this.emitter.emit("session");
    this.connection.start();
    void this.refreshRooms();
    this.refreshOwn();
  }

  private endSession(): void {
    // Another tab may have logged somebody else in: that one stays.
    if (this.tokens.read()?.user.id === this.me.user?.id) this.tokens.clear();
    this.connection.stop();
    this.messages.end();
    this.stopWaking?.();
    this.stopWaking = null;
    for (const part of [this.roomStore, this.roomList, this.news, this.userLog, this.people]) part.clear();
    this.roomActions.forgetInvites();
    this.me.end();
    for (const topic of ["session", "rooms", "unread"] as const) this.emitter.emit(topic);
  }

  // --- connection ------------------------------------------------------------

  get connectionStatus(): ConnectionState {
    return this.connection.state;
  }

  reconnectNow(): void {
    this.connection.retryNow();
  }

  /** What servers did that the protocol forbids: a diagnosis, nothing to react to. */
  get protocolFaults(): Readonly<ProtocolFaults> {
    return this.connection.faults;
  }

  private connectionChanged(): void {
    if (this.connection.isAway) this.roomStore.connectionWaiting();
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
        break;
      case "bump":
        this.roomList.grew(frame);
        return this.news.grew(frame, () => this.roomStates.get(frame.room), () => this.roomStore.frame(frame));
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

  private removed(roomId: string): void {
    this.roomStore.forget(roomId);
    this.roomList.remove(roomId);
  }

  private listed(rooms: readonly Room[]): void {
    this.people.met(rooms.flatMap((room) => room.members ?? []));
    for (const room of rooms) if (room.head !== undefined) this.roomStore.readState.known(room.id, room.head);
    this.roomStore.listed();
    this.people.screenChanged();
  }

  // --- one room --------------------------------------------------------------

  openRoom(roomId: string): void {
    this.roomStore.open(roomId);
    if (this.connection.isAway) this.roomStore.connectionWaiting();
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
}
