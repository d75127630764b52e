// The life of one WebSocket after another: ticket, socket, hello, ready,
// heartbeat, and coming back as the close code asks. It knows nothing of rooms.

import { ApiError } from "./http.js";
import { Backoff } from "./backoff.js";
import { closeMeaning, stopReason } from "./closecodes.js";
import { decodeFrame, encode, type ClientFrame, type HelloData, type ReadyData, type Ref, type ServerFrame } from "./frames.js";
import type { Environment, SocketLike, Timer } from "./environment.js";

export const SUBPROTOCOL = "chat.v1.json";
const PONG_TIMEOUT_MS = 10_000;
/** From opening the socket to `ready`; a proxy may hold a socket open for ever. */
const READY_TIMEOUT_MS = 15_000;
/** A connection that lived this long was a good one: the next backoff starts anew. */
const STABLE_MS = 10_000;
const OPEN = 1;
/** From our side: the tab goes on, only this socket is given up. */
const CLOSE_RECONNECT = 3000;

export type ConnectionState =
  | { status: "idle" }
  | { status: "connecting" }
  | { status: "ready" }
  | { status: "waiting"; retryAt: number }
  | { status: "stopped"; reason: string };

export type ReplyFrame = Extract<ServerFrame, { ref?: Ref }>;

export interface ConnectionPort {
  ticket(): Promise<string>;
  /** Replaces the access token, whatever its age. */
  refreshToken(): Promise<string>;
  stateChanged(state: ConnectionState): void;
  ready(hello: HelloData, ready: ReadyData): void;
  frame(frame: ServerFrame): void;
  lost(): void;
  loggedOut(): void;
}

type ConnectionEnvironment = Pick<
  Environment,
  "socketUrl" | "openSocket" | "now" | "random" | "setTimeout" | "clearTimeout" | "onWake"
>;
type TimerName = "reconnect" | "ready" | "ping" | "pong" | "stable" | "drain";

export class Connection {
  private state: ConnectionState = { status: "idle" };
  private socket: SocketLike | null = null;
  private hello: HelloData | null = null;
  private readonly timers = new Map<TimerName, Timer>();
  private readonly replies = new Map<Ref, (reply: ReplyFrame | null) => void>();
  private readonly backoff: Backoff;
  private lastRef = 0;
  /** Distinguishes the present attempt from those given up while they awaited. */
  private attempt = 0;
  private drainUntil = 0;
  private stopWatching: (() => void) | null = null;

  constructor(
    private readonly env: ConnectionEnvironment,
    private readonly port: ConnectionPort,
  ) {
    this.backoff = new Backoff(env.random);
  }

  get isReady(): boolean {
    return this.state.status === "ready";
  }

  start(): void {
    if (this.state.status !== "idle") return;
    this.stopWatching = this.env.onWake(() => this.wake());
    void this.connect();
  }

  /** Deliberate: the server may tell others at once. */
  stop(): void {
    this.stopWatching?.();
    this.stopWatching = null;
    this.drop(1000);
    this.setState({ status: "idle" });
  }

  /** Tries at once instead of at the end of the wait. */
  retryNow(): void {
    if (this.state.status === "waiting" || this.state.status === "stopped") void this.connect();
  }

  /**
   * Sends an action. `reply` is called once with its final answer, or with null
   * when the connection went first; then nobody knows whether it was done.
   */
  request(build: (ref: Ref) => ClientFrame, reply: (frame: ReplyFrame | null) => void): void {
    if (!this.isReady) return reply(null);
    const ref = (this.lastRef += 1);
    this.replies.set(ref, reply);
    this.transmit(build(ref));
  }

  private transmit(frame: ClientFrame): void {
    if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify(frame));
  }

  private async connect(): Promise<void> {
    this.drop(CLOSE_RECONNECT);
    const attempt = this.attempt;
    this.setState({ status: "connecting" });
    let ticket: string;
    try {
      ticket = await this.port.ticket();
    } catch (error) {
      if (attempt === this.attempt) this.ticketRefused(error);
      return;
    }
    if (attempt !== this.attempt) return;

    this.timer("ready", READY_TIMEOUT_MS, () => this.reconnect("backoff"));
    const socket = this.env.openSocket(this.env.socketUrl, [SUBPROTOCOL, `ticket.${ticket}`]);
    this.socket = socket;
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.received(event.data);
    };
    socket.onclose = (event) => this.closed(event.code);
  }

  private ticketRefused(error: unknown): void {
    if (!(error instanceof ApiError)) return this.reconnect("backoff");
    if (error.status === 401) return this.logOut();
    if (error.status === 403 && !error.retryable) return this.halt(error.message);
    this.waitFor(Math.max(error.retryAfterMs ?? 0, this.backoff.next()));
  }

  private received(text: string): void {
    const frame = decodeFrame(text);
    if (!frame) return;
    switch (frame.kind) {
      case "hello":
        this.hello = frame.d;
        return;
      case "ready":
        return this.becameReady(frame.d);
      case "authExpiring":
        return void this.renewAuthentication();
      case "draining":
        this.drainUntil = this.env.now() + frame.delayMs;
        return this.timer("drain", frame.delayMs, () => void this.connect());
      case "sessionRevoked":
        return this.logOut();
      case "pong":
        this.cancel("pong");
        break;
      default:
        break;
    }
    // Frames first, replies second: what an answer announces is then already known.
    this.port.frame(frame);
    if ("ref" in frame && frame.ref !== undefined) {
      const reply = this.replies.get(frame.ref);
      this.replies.delete(frame.ref);
      reply?.(frame as ReplyFrame);
    }
  }

  private becameReady(ready: ReadyData): void {
    if (!this.hello || this.state.status === "ready") return;
    this.cancel("ready");
    this.timer("stable", STABLE_MS, () => this.backoff.reset());
    // The first ping after a random part, lest a cut crowd pings in step for ever.
    this.schedulePing(this.env.random() * this.hello.heartbeatMs);
    this.setState({ status: "ready" });
    this.port.ready(this.hello, ready);
  }

  private schedulePing(delayMs: number): void {
    this.timer("ping", delayMs, () => this.ping());
  }

  private ping(): void {
    if (!this.hello) return;
    this.schedulePing(this.hello.heartbeatMs);
    if (this.timers.has("pong")) return;
    this.timer("pong", PONG_TIMEOUT_MS, () => this.reconnect("backoff"));
    this.request(encode.ping, () => {});
  }

  private async renewAuthentication(): Promise<void> {
    const attempt = this.attempt;
    try {
      const token = await this.port.refreshToken();
      if (attempt === this.attempt) this.request((ref) => encode.authRefresh(ref, token), () => {});
    } catch {
      // The server will close with 4301, and the way back takes care of it.
    }
  }

  private closed(code: number): void {
    const meaning = closeMeaning(code);
    if (meaning === "stop") return this.halt(stopReason(code));
    if (meaning === "loggedOut") return this.logOut();
    this.reconnect(meaning);
  }

  private reconnect(meaning: "backoff" | "serverDelay" | "newCredentials"): void {
    this.drop(CLOSE_RECONNECT);
    const remaining = this.drainUntil - this.env.now();
    if (meaning === "serverDelay" && remaining > 0) return this.waitFor(remaining);
    if (meaning === "newCredentials") return void this.reconnectWithNewCredentials();
    this.waitFor(this.backoff.next());
  }

  private async reconnectWithNewCredentials(): Promise<void> {
    const attempt = this.attempt;
    // At once the first time; a server that goes on refusing is not hammered.
    const first = this.backoff.attempts === 0;
    const backoff = this.backoff.next();
    const delay = first ? 0 : backoff;
    this.setState({ status: "connecting" });
    try {
      await this.port.refreshToken();
    } catch (error) {
      if (attempt === this.attempt) this.ticketRefused(error);
      return;
    }
    if (attempt === this.attempt) this.waitFor(delay);
  }

  private waitFor(delayMs: number): void {
    this.setState({ status: "waiting", retryAt: this.env.now() + delayMs });
    this.timer("reconnect", delayMs, () => void this.connect());
  }

  /** The network or the page came back: do not wait for a timer that slept. */
  private wake(): void {
    if (this.state.status === "waiting") void this.connect();
    else if (this.isReady) this.ping();
  }

  private halt(reason: string): void {
    this.drop(CLOSE_RECONNECT);
    this.setState({ status: "stopped", reason });
  }

  private logOut(): void {
    this.stop();
    this.port.loggedOut();
  }

  /** Leaves the present socket without waiting for it: a dead one never answers. */
  private drop(code: number): void {
    this.attempt += 1;
    for (const timer of this.timers.values()) this.env.clearTimeout(timer);
    this.timers.clear();
    const wasReady = this.isReady;
    const socket = this.socket;
    this.socket = null;
    this.hello = null;
    if (socket) {
      socket.onmessage = socket.onclose = socket.onopen = socket.onerror = null;
      socket.close(code);
    }
    if (!wasReady) return;
    this.state = { status: "connecting" };
    const waiting = [...this.replies.values()];
    this.replies.clear();
    this.port.lost();
    for (const reply of waiting) reply(null);
  }

  private setState(state: ConnectionState): void {
    this.state = state;
    this.port.stateChanged(state);
  }

  private timer(name: TimerName, delayMs: number, callback: () => void): void {
    this.cancel(name);
    this.timers.set(
      name,
      this.env.setTimeout(() => {
        this.timers.delete(name);
        callback();
      }, delayMs),
    );
  }

  private cancel(name: TimerName): void {
    const timer = this.timers.get(name);
    if (timer) this.env.clearTimeout(timer);
    this.timers.delete(name);
  }
}
