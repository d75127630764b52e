// Everybody met so far: names, who is there, and who is writing where.

import { ServerClock } from "./clock.js";
import { encode, isMessageEvent, type LogEvent, type ServerFrame } from "./frames.js";
import { PresenceBook, type Presence } from "./presence.js";
import { Strangers } from "./strangers.js";
import { Typing } from "./typing.js";
import type { Environment } from "./environment.js";
import type { SocketPort } from "./link.js";
import type { User } from "./types.js";

export interface PeoplePort extends SocketPort {
  me(): string | null;
  /** Those whose presence is shown, those that matter most first. */
  onScreen(): Iterable<string>;
  ask(userId: string): Promise<User>;
  usersChanged(): void;
  presenceChanged(): void;
  typingChanged(roomId: string): void;
}

export class People {
  readonly clock: ServerClock;
  private readonly typing: Typing;
  private readonly presenceBook: PresenceBook;
  private readonly strangers: Strangers;
  private byId: ReadonlyMap<string, User> = new Map();

  constructor(
    env: Pick<Environment, "now" | "setTimeout" | "clearTimeout">,
    private readonly port: PeoplePort,
  ) {
    this.clock = new ServerClock(env);
    this.typing = new Typing(env, {
      tell: (roomId, what) => {
        if (port.has("typing")) port.tell(what === "start" ? encode.typingStart(roomId) : encode.typingStop(roomId));
      },
      changed: (roomId) => port.typingChanged(roomId),
    });
    this.presenceBook = new PresenceBook(env, {
      onScreen: () => this.othersOnScreen(),
      canWatch: () => port.isReady() && port.has("presence"),
      watch: (userIds, refused) =>
        port.request((ref) => encode.presenceWatch(ref, userIds), (reply) => {
          if (reply?.kind === "error" && reply.d.retryable) refused(reply.d.retryAfterMs ?? 0);
        }),
      changed: () => port.presenceChanged(),
    });
    this.strangers = new Strangers(env, {
      onScreen: () => port.onScreen(),
      ask: (userId) => port.ask(userId),
      isKnown: (userId) => this.byId.has(userId),
      met: (users) => this.met(users),
    });
  }

  get users(): ReadonlyMap<string, User> {
    return this.byId;
  }

  get presence(): ReadonlyMap<string, Presence> {
    return this.presenceBook.snapshot;
  }

  typingUsers(roomId: string): readonly string[] {
    return this.typing.users(roomId);
  }

  composing(roomId: string, text: string): void {
    if (text.trim()) this.typing.composing(roomId);
    else this.typing.stopped(roomId);
  }

  stoppedComposing(roomId: string): void {
    this.typing.stopped(roomId);
  }

  /** Another socket, after a pause or without one. */
  connected(): void {
    this.presenceBook.connected();
  }

  connectionLost(): void {
    this.typing.disconnected();
  }

  /** Somebody came on screen, or left it. */
  screenChanged(): void {
    this.presenceBook.refresh();
    this.strangers.refresh();
  }

  /** Shown elsewhere than in a room: their names are wanted. */
  shown(userIds: Iterable<string>): void {
    this.strangers.look(userIds);
  }

  met(users: readonly User[]): void {
    const news = users.filter((user) => !looksLike(user, this.byId.get(user.id)));
    if (news.length === 0) return;
    this.byId = new Map([...this.byId, ...news.map((user) => [user.id, user] as const)]);
    this.port.usersChanged();
  }

  frame(frame: Extract<ServerFrame, { kind: "typing" | "presence" }>): void {
    if (frame.kind === "presence") return this.presenceBook.heard(frame.users);
    this.clock.observe(frame.ts);
    if (frame.userId !== this.port.me()) this.typing.heard(frame.room, frame.userId, this.clock.until(frame.until));
  }

  /** An event of a room's log, just now. */
  happened(event: LogEvent): void {
    this.clock.observe(event.ts);
    if (event.t !== "message.created" || !isMessageEvent(event)) return;
    this.typing.spoke(event.room, event.d.userId);
    this.screenChanged();
  }

  /** What the server stored just now. */
  acknowledged(ts: string | undefined): void {
    this.clock.observe(ts);
  }

  clear(): void {
    this.typing.clear();
    this.presenceBook.clear();
    this.strangers.clear();
    this.byId = new Map();
  }

  private *othersOnScreen(): Iterable<string> {
    for (const userId of this.port.onScreen()) if (userId !== this.port.me()) yield userId;
  }
}

/** All that a page shows of somebody in passing. */
const looksLike = (user: User, known: User | undefined) =>
  known !== undefined && (["username", "displayName", "avatar"] as const).every((field) => (user[field] ?? null) === (known[field] ?? null));
