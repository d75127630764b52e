// The life of one WebSocket after another: coming back as the close code asks,
// and moving to the next socket before the present one goes. It knows nothing
// of rooms.

import { ApiError } from "./http.js";
import { Backoff } from "./backoff.js";
import { closeMeaning, stopReason } from "./closecodes.js";
import {
  encode,
  type ClientFrame,
  type Feature,
  type HelloData,
  type ReadyData,
  type Ref,
  type ResumeData,
  type ServerFrame,
} from "./frames.js";
import { CLOSE_DELIBERATE, CLOSE_RECONNECT, Link, type LinkPort, type Reply } from "./link.js";
import { Move, type MoveFailure } from "./move.js";
import type { Environment, Timer } from "./environment.js";
import type { ProtocolFaults } from "./sequence.js";

/** A connection that lived this long was a good one: the next backoff starts anew. */
const STABLE_MS = 10_000;
/** A ticket that was asked for this long ago may never come; browsers tell of one return several times. */
const PATIENCE_MS = 2_000;

export type ConnectionState =
  | { status: "idle" }
  | { status: "connecting" }
  | { status: "ready" }
  | { status: "waiting"; retryAt: number }
  | { status: "stopped"; reason: string };

export interface ConnectionPort {
  ticket(): Promise<string>;
  /** Replaces the access token, whatever its age. */
  refreshToken(): Promise<string>;
  stateChanged(state: ConnectionState): void;
  /** False when the server takes this page for somebody else's: another tab's cookie came between. */
  isMine(ready: ReadyData): boolean;
  /** What a server said of itself, just now. */
  greeted(hello: HelloData): void;
  /** Where a socket that just became ready is to go on. */
  resumption(hello: HelloData, ready: ReadyData): ResumeData;
  /** `resumption` was sent; null when the server cannot resume. */
  ready(hello: HelloData, ready: ReadyData, resumption: ResumeData | null): void;
  resumeRefused(): void;
  /**
   * Another socket took over without a pause. What was under way on the old one
   * was answered with null; what the new one said meanwhile follows as frames.
   */
  moved(hello: HelloData, ready: ReadyData, resumption: ResumeData): void;
  /** The last of those frames was given. */
  movedOn(): void;
  frame(frame: ServerFrame): void;
  lost(): void;
  loggedOut(): void;
}

type ConnectionEnvironment = Pick<
  Environment,
  "socketUrl" | "openSocket" | "now" | "random" | "setTimeout" | "clearTimeout" | "onWake"
>;
type TimerName = "reconnect" | "stable" | "drain";

export class Connection {
  /** What servers did that the protocol forbids, over the life of this object. */
  readonly faults: ProtocolFaults = { repeats: 0, gaps: 0 };
  /** As the last server said; empty before any did. */
  limits: Readonly<Record<string, unknown>> = {};
  state: ConnectionState = { status: "idle" };
  private link: Link | null = null;
  private move: Move | null = null;
  private readonly timers = new Map<TimerName, Timer>();
  private readonly backoff: Backoff;
  private moveBackoff: Backoff;
  /** Distinguishes the present attempt from those given up while they awaited. */
  private attempt = 0;
  /** When the present attempt began. */
  private attemptedAt = 0;
  private drainUntil = 0;
  private stopWatching: (() => void) | null = null;
  private readonly linkPort: LinkPort = {
    ready: (hello, ready) => this.becameReady(hello, ready),
    frame: (frame) => this.received(frame),
    ended: (code) => this.ended(code),
  };

  constructor(
    private readonly env: ConnectionEnvironment,
    private readonly port: ConnectionPort,
  ) {
    this.backoff = new Backoff(env.random);
    this.moveBackoff = new Backoff(env.random);
  }

  get isReady(): boolean {
    return this.state.status === "ready";
  }

  /** Whether the server of the present socket has the feature; false without a socket. */
  has(feature: Feature): boolean {
    return this.link?.hello?.features.includes(feature) ?? false;
  }

  /** There is no socket, and none comes at once. */
  get isAway(): boolean {
    return this.state.status === "waiting" || this.state.status === "stopped";
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
    this.drop(CLOSE_DELIBERATE);
    this.setState({ status: "idle" });
  }

  /** Tries at once instead of at the end of the wait. */
  retryNow(): void {
    if (this.isAway) void this.connect();
  }

  /**
   * Sends an action. `reply` is called once with its final answer, or with null
   * when the socket went first; then nobody knows whether it was done.
   */
  request(build: (ref: Ref) => ClientFrame, reply: Reply): void {
    if (!this.isReady || !this.link) return reply(null);
    this.link.request(build, reply);
  }

  /** The same for those who only ask whether it was done: false when nobody knows. */
  act(build: (ref: Ref) => ClientFrame): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.request(build, (reply) => {
        if (reply?.kind === "error") reject(new ApiError({ status: 0, title: reply.d.message, ...reply.d }));
        else resolve(reply !== null);
      });
    });
  }

  /** Sends what needs no answer; nothing happens without a socket. */
  tell(frame: ClientFrame): void {
    if (this.isReady) this.link?.tell(frame);
  }

  private async connect(): Promise<void> {
    this.drop(CLOSE_RECONNECT);
    const attempt = this.attempt;
    this.attemptedAt = this.env.now();
    this.setState({ status: "connecting" });
    let ticket: string;
    try {
      ticket = await this.port.ticket();
    } catch (error) {
      if (attempt === this.attempt) this.ticketRefused(error);
      return;
    }
    if (attempt === this.attempt) this.link = new Link(this.env, ticket, this.faults, this.linkPort);
  }

  private ticketRefused(error: unknown): void {
    if (!(error instanceof ApiError)) return this.reconnect("backoff");
    if (error.status === 401) return this.logOut();
    if (error.status === 403 && !error.retryable) return this.halt(error.message);
    this.waitFor(Math.max(error.retryAfterMs ?? 0, this.backoff.next()));
  }

  private becameReady(hello: HelloData, ready: ReadyData): void {
    if (!this.port.isMine(ready)) return this.logOut();
    this.startStableTimer();
    this.limits = hello.limits;
    this.port.greeted(hello);
    this.setState({ status: "ready" });
    const resumption = hello.features.includes("resume") ? this.port.resumption(hello, ready) : null;
    if (resumption) {
      this.request((ref) => encode.resume(ref, resumption), (reply) => {
        if (reply?.kind === "error") this.port.resumeRefused();
      });
    }
    this.port.ready(hello, ready, resumption);
  }

  private received(frame: ServerFrame): void {
    switch (frame.kind) {
      case "authExpiring":
        return void this.renewAuthentication();
      case "draining":
        if (this.move) return;
        this.drainUntil = this.env.now() + frame.delayMs;
        this.moveBackoff = new Backoff(this.env.random);
        return this.timer("drain", frame.delayMs, () => this.beginMove());
      case "sessionRevoked":
        return this.logOut();
      default:
        return this.port.frame(frame);
    }
  }

  private async renewAuthentication(): Promise<void> {
    const link = this.link;
    try {
      const token = await this.port.refreshToken();
      if (link === this.link) this.request((ref) => encode.authRefresh(ref, token), () => {});
    } catch {
      // The server will close with 4301, and the way back takes care of it.
    }
  }

  // --- moving ----------------------------------------------------------------

  private beginMove(): void {
    const hello = this.link?.hello;
    if (!this.isReady || !hello || !this.has("resume")) return void this.connect();
    this.move = new Move(this.env, this.faults, hello.connId, {
      ticket: () => this.port.ticket(),
      isMine: (ready) => this.port.isMine(ready),
      resumption: (...of) => this.port.resumption(...of),
      resumed: () => this.takeOver(),
      failed: (how) => this.moveFailed(how),
      resumeRefused: () => this.port.resumeRefused(),
    });
    void this.move.start();
  }

  /** The old socket stays as long as the server lets it. */
  private moveFailed(how: MoveFailure): void {
    this.move = null;
    if (how.then === "logOut") return this.logOut();
    if (how.then === "stay") return;
    this.timer("drain", Math.max(how.afterMs, this.moveBackoff.next()), () => this.beginMove());
  }

  /** False when there is no second socket yet. */
  private takeOver(): boolean {
    const next = this.move?.takeOver();
    this.move = null;
    if (!next) return false;
    const { link, resumption, frames } = next;
    const { hello, ready } = link;
    link.port = this.linkPort;
    if (!hello || !ready || !resumption) {
      // The old one went before the new one was ready, which from now on is any new socket.
      this.drop(CLOSE_RECONNECT);
      this.link = link;
      this.setState({ status: "connecting" });
      return true;
    }

    const old = this.link;
    this.link = link;
    this.limits = hello.limits;
    this.cancel("drain");
    this.startStableTimer();
    old?.close(CLOSE_DELIBERATE);
    old?.abandon();
    this.port.moved(hello, ready, resumption);
    for (const frame of frames) if (this.link === link) this.received(frame);
    if (this.link === link) this.port.movedOn();
    return true;
  }

  // --- coming back -----------------------------------------------------------

  private ended(code?: number): void {
    const meaning = closeMeaning(code);
    if (meaning === "stop") return this.halt(stopReason(code!));
    if (meaning === "loggedOut") return this.logOut();
    if (!this.takeOver()) this.reconnect(meaning);
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
    this.attemptedAt = this.env.now();
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
    if (this.state.status === "waiting" || this.isStuck) void this.connect();
    else if (this.isReady) this.link?.ping();
  }

  /** There is not even a socket yet: what the attempt asked for may have gone with the network of before. */
  private get isStuck(): boolean {
    return this.state.status === "connecting" && this.link === null && this.env.now() - this.attemptedAt >= PATIENCE_MS;
  }

  private halt(reason: string): void {
    this.drop(CLOSE_RECONNECT);
    this.setState({ status: "stopped", reason });
  }

  private logOut(): void {
    this.stop();
    this.port.loggedOut();
  }

  /** Leaves the present socket, and the next one if it is being opened. */
  private drop(code: number): void {
    this.attempt += 1;
    for (const timer of this.timers.values()) this.env.clearTimeout(timer);
    this.timers.clear();
    this.move?.cancel();
    this.move = null;
    const wasReady = this.isReady;
    const link = this.link;
    this.link = null;
    link?.close(code);
    if (!wasReady) return;
    this.state = { status: "connecting" };
    this.port.lost();
    link?.abandon();
  }

  private startStableTimer(): void {
    this.timer("stable", STABLE_MS, () => this.backoff.reset());
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
