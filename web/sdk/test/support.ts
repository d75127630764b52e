// A world without network and without waiting: sockets and answers are made by
// hand, time is vitest's.

import { vi } from "vitest";
import { ChatClient } from "../src/client.js";
import { memoryStorage, type Environment, type SocketLike, type StorageLike, type Upload } from "../src/environment.js";
import type { Feature, LogEvent } from "../src/frames.js";
import type { Message, MessagePage, Session } from "../src/types.js";
import { contract } from "./asyncapi.js";

export const ME = { id: "u-me", username: "alice", email: "alice@example.com" };
export const ROOM = "room-1";
export const ALL_FEATURES: Feature[] = ["resume", "levels", "marks", "typing", "presence", "receipts"];
export const SESSION: Session = { user: ME, token: "access-1" };

/** Nothing leaves the client that the server's document does not describe. */
const faults = contract({ ids: "any" });

export class FakeSocket implements SocketLike {
  readyState = 1;
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  readonly sent: { t: string; ref?: number; room?: string; d?: any }[] = [];
  closedWith: number | undefined;

  /** What its server can do. */
  features: readonly string[] = ALL_FEATURES;
  limits: Record<string, number> = {};
  /** What its server's clock says. */
  now: string | undefined;

  constructor(
    readonly protocols: string[],
    readonly connId: string,
    /** Answers each ping by itself. */
    private readonly pongs: boolean,
  ) {}

  send(data: string): void {
    const frame = JSON.parse(data);
    const wrong = faults(frame);
    if (wrong.length > 0) throw new Error(`${wrong.join(", ")} in ${data}`);
    this.sent.push(frame);
    if (this.pongs && frame.t === "ping") this.says({ t: "pong", ref: frame.ref, d: { heads: [] } });
  }

  close(code?: number): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  /** The server speaks. */
  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** The server, or the network, cuts. */
  cut(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }

  hello(epoch = "e1"): void {
    const { connId, features, limits, now } = this;
    this.says({ t: "hello", d: { version: "chat.v1", connId, epoch, now, heartbeatMs: 25_000, limits, features } });
  }

  ready(epoch = "e1", userSeq = 3): void {
    this.hello(epoch);
    this.says({ t: "ready", d: { user: { id: ME.id, username: ME.username }, sessionId: "s", userSeq } });
  }

  /** The final answer to the last action of this type. */
  acks(t: string, d: object = {}): void {
    this.says({ t: "ack", ref: this.last(t).ref, d });
  }

  /** The answer to the last subscription of the room. */
  joined(room: string, head: number, d: object = { mode: "uptodate" }): void {
    const ref = this.all("room.subscribe").findLast((frame) => frame.room === room)?.ref;
    this.says({ t: "room.subscribed", ref, room, d: { level: "full", more: false, head, ...d } });
  }

  resumed(): void {
    this.says({ t: "resumed", ref: this.last("resume").ref, d: { userSeq: 3 } });
  }

  all(t: string) {
    return this.sent.filter((frame) => frame.t === t);
  }

  last(t: string) {
    const frame = this.all(t).at(-1);
    if (!frame) throw new Error(`the client sent no ${t}`);
    return frame;
  }
}

export interface Asked {
  path: string;
  body: any;
  token: string | null;
  /** Whether the browser would send its cookie, and the page says that it is one. */
  cookie: boolean;
}

export type Route = (request: Asked) => object | Response | Promise<object | Response>;

export class World {
  readonly sockets: FakeSocket[] = [];
  readonly routes = new Map<string, Route>();
  readonly requests: string[] = [];
  private readonly wakers = new Set<() => void>();
  randomValue = 0.5;
  pongs = false;
  private uuids = 0;
  private lockTail: Promise<unknown> = Promise.resolve();

  constructor(readonly storage: StorageLike = memoryStorage()) {
    this.routes.set("POST /auth/refresh", () => ({ token: SESSION.token }));
    this.routes.set("POST /ws/ticket", () => ({ ticket: "t1", expiresIn: 30 }));
    this.routes.set("GET /rooms", () => []);
    this.routes.set(`GET /rooms/${ROOM}/members`, () => ({ members: [ME], nextCursor: null }));
    this.routes.set("GET /messages", () => ({ messages: [], nextCursor: null }));
  }

  loggedIn(): this {
    this.storage.setItem("chat.session", JSON.stringify({ user: SESSION.user }));
    return this;
  }

  environment(): Environment {
    return {
      apiUrl: "http://chat.test",
      socketUrl: "ws://chat.test/ws",
      fetch: async (input, init) => this.answer(input, init),
      upload: async (upload) => this.receive(upload),
      openSocket: (_, protocols) => {
        const socket = new FakeSocket(protocols, `c${this.sockets.length + 1}`, this.pongs);
        this.sockets.push(socket);
        return socket;
      },
      storage: this.storage,
      now: () => Date.now(),
      random: () => this.randomValue,
      uuid: () => `uuid-${(this.uuids += 1)}`,
      setTimeout: (callback, ms) => setTimeout(callback, ms),
      clearTimeout: (timer) => clearTimeout(timer),
      exclusive: (_, task) => {
        const run = this.lockTail.then(task);
        this.lockTail = run.catch(() => {});
        return run;
      },
      onWake: (callback) => {
        this.wakers.add(callback);
        return () => void this.wakers.delete(callback);
      },
      onStorage: () => () => {},
    };
  }

  wake(): void {
    for (const waker of this.wakers) waker();
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  /** A file, as a server sees it: the body is the form. */
  private async receive({ url, method, headers, body, onProgress, signal }: Upload): Promise<Response> {
    onProgress?.(0.5);
    const answer = await this.answer(url, { method, headers, form: body } as RequestInit & { form: FormData });
    if (signal?.aborted) throw signal.reason;
    onProgress?.(1);
    return answer;
  }

  private async answer(input: string, init: RequestInit): Promise<Response> {
    const url = new URL(input);
    const key = `${init.method ?? "GET"} ${url.pathname}`;
    this.requests.push(key);
    const route = this.routes.get(key);
    if (!route) return problem(404, "notFound");
    const headers = init.headers as Record<string, string>;
    const token = headers["authorization"]?.replace("Bearer ", "") ?? null;
    const body = init.body ? JSON.parse(init.body as string) : (init as { form?: FormData }).form;
    const cookie = init.credentials === "include" && headers["x-requested-with"] === "chat";
    const answer = await route({ path: url.pathname + url.search, body, token, cookie });
    return answer instanceof Response ? answer : Response.json(answer);
  }
}

export function problem(status: number, code: string, extra: object = {}): Response {
  const body = { type: "about:blank", title: code, status, code, retryable: false, ...extra };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

/** Lets promises that are ready run, without moving time. */
export async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

/** Somebody in an open room, connected, with a cursor at `head`. */
export async function inRoom(world = new World().loggedIn(), head = 0) {
  world.pongs = true;
  const client = new ChatClient(world.environment());
  client.start();
  client.openRoom(ROOM);
  await settled();
  world.socket.ready();
  world.socket.joined(ROOM, head);
  await settled();
  return { world, client };
}

export const shown = (client: ChatClient) =>
  client.room(ROOM)!.entries.map((e) => (e.kind === "draft" ? `(${e.draft.content})` : e.message.content));

export function message(seq: number, changes: Partial<Message> = {}): Message {
  const at = new Date(Date.UTC(2026, 0, 1) + seq * 1000).toISOString();
  return { id: `m${seq}`, roomId: ROOM, userId: "u-bob", content: `text ${seq}`, attachments: [], createdAt: at, updatedAt: at, seq, ...changes };
}

export function created(seq: number, changes: Partial<Message> = {}): LogEvent {
  return { t: "message.created", room: ROOM, seq, d: message(seq, changes) };
}

/** What a server answers to `GET /messages`, of messages in their order: by number where a cursor leads. */
export function pageOf(messages: readonly Message[], path: string): MessagePage {
  const query = new URL(path, "http://x").searchParams;
  const limit = Number(query.get("limit"));
  const [cursor, around] = [query.get("cursor"), query.get("around")];
  const at = (holds: (message: Message) => boolean) => {
    const found = messages.findIndex(holds);
    return found < 0 ? messages.length : found;
  };
  let from = messages.length - limit;
  if (around) from = at(({ id }) => id === around) - limit / 2;
  else if (cursor?.startsWith("<")) from = at(({ seq }) => seq >= Number(cursor.slice(1))) - limit;
  else if (cursor) from = at(({ seq }) => seq > Number(cursor.slice(1)));
  const page = messages.slice(Math.max(0, from), from + limit);
  const to = Math.max(0, from) + page.length;
  return {
    messages: page.toReversed(),
    nextCursor: from > 0 && page[0] ? `<${page[0].seq}` : null,
    newerCursor: to < messages.length && page.length > 0 ? `>${page.at(-1)!.seq}` : null,
  };
}

/** A small seeded generator, so that a failing schedule can be run again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
