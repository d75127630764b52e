// One WebSocket from its opening to its end: hello, ready, heartbeat, and the
// answers to what was asked on it. What follows its end is connection.ts's.

import { decodeFrame } from "./decode.js";
import { encode, type ClientFrame, type Feature, type HelloData, type ReadyData, type Ref, type ServerFrame } from "./frames.js";
import { SequenceCheck, type ProtocolFaults } from "./sequence.js";
import type { Environment, SocketLike, Timer } from "./environment.js";

export const SUBPROTOCOL = "chat.v1.json";
const PONG_TIMEOUT_MS = 10_000;
/** From opening the socket to `ready`; a proxy may hold a socket open for ever. */
const READY_TIMEOUT_MS = 15_000;
const OPEN = 1;
/** From our side: the tab goes on, only this socket is given up. */
export const CLOSE_RECONNECT = 3000;
export const CLOSE_DELIBERATE = 1000;

export type ReplyFrame = Extract<ServerFrame, { ref?: Ref }>;
export type Reply = (frame: ReplyFrame | null) => void;

/** The present socket, as those see it who send on it. */
export interface SocketPort {
  /** Calls back once: with the final answer, or with null when the socket went first. */
  request(build: (ref: Ref) => ClientFrame, reply: Reply): void;
  /** Sends what needs no answer; without a socket, nothing happens. */
  tell(frame: ClientFrame): void;
  isReady(): boolean;
  has(feature: Feature): boolean;
}

export interface LinkPort {
  ready(hello: HelloData, ready: ReadyData): void;
  /** All frames but `hello` and `ready`. */
  frame(frame: ServerFrame): void;
  /** Closed by the other side; without a code when it fell silent. */
  ended(code?: number): void;
}

export type LinkEnvironment = Pick<Environment, "socketUrl" | "openSocket" | "random" | "setTimeout" | "clearTimeout">;

export class Link {
  private helloData: HelloData | null = null;
  private readyData: ReadyData | null = null;
  private socket: SocketLike | null;
  private readonly sequence: SequenceCheck;
  private readonly timers = new Map<"ready" | "ping" | "pong", Timer>();
  private readonly replies = new Map<Ref, Reply>();
  private lastRef = 0;

  constructor(
    private readonly env: LinkEnvironment,
    ticket: string,
    faults: ProtocolFaults,
    /** Changes hands when this socket takes over from another. */
    public port: LinkPort,
  ) {
    this.sequence = new SequenceCheck(faults);
    this.timer("ready", READY_TIMEOUT_MS, () => this.port.ended());
    const socket = env.openSocket(env.socketUrl, [SUBPROTOCOL, `ticket.${ticket}`]);
    this.socket = socket;
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.received(event.data);
    };
    socket.onclose = (event) => this.port.ended(event.code);
  }

  get isReady(): boolean {
    return this.readyData !== null;
  }

  get hello(): HelloData | null {
    return this.helloData;
  }

  get ready(): ReadyData | null {
    return this.readyData;
  }

  /** `reply` is called once: with the final answer, or with null by `abandon`. */
  request(build: (ref: Ref) => ClientFrame, reply: Reply): void {
    const ref = (this.lastRef += 1);
    this.replies.set(ref, reply);
    this.tell(build(ref));
  }

  tell(frame: ClientFrame): void {
    if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** Asks for a sign of life ahead of time. */
  ping(): void {
    if (!this.helloData) return;
    this.schedulePing(this.helloData.heartbeatMs);
    if (this.timers.has("pong")) return;
    this.timer("pong", PONG_TIMEOUT_MS, () => this.port.ended());
    this.request(encode.ping, () => {});
  }

  /** Leaves without waiting: a dead socket never answers. */
  close(code: number): void {
    for (const timer of this.timers.values()) this.env.clearTimeout(timer);
    this.timers.clear();
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = socket.onopen = socket.onerror = null;
    socket.close(code);
  }

  /** Nobody knows any more whether what was asked was done. */
  abandon(): void {
    const waiting = [...this.replies.values()];
    this.replies.clear();
    for (const reply of waiting) reply(null);
  }

  private received(text: string): void {
    const frame = decodeFrame(text);
    if (!frame) return;
    if (frame.kind === "hello") {
      this.helloData = frame.d;
      return;
    }
    if (frame.kind === "ready") return this.becameReady(frame.d);
    if (frame.kind === "pong") this.cancel("pong");
    this.sequence.see(frame);
    // Frames first, replies second: what an answer announces is then already known.
    this.port.frame(frame);
    if ("ref" in frame && frame.ref !== undefined) {
      const reply = this.replies.get(frame.ref);
      this.replies.delete(frame.ref);
      reply?.(frame);
    }
  }

  private becameReady(ready: ReadyData): void {
    if (!this.helloData || this.readyData) return;
    this.readyData = ready;
    this.cancel("ready");
    // The first ping after a random part, lest a cut crowd pings in step for ever.
    this.schedulePing(this.env.random() * this.helloData.heartbeatMs);
    this.port.ready(this.helloData, ready);
  }

  private schedulePing(delayMs: number): void {
    this.timer("ping", delayMs, () => this.ping());
  }

  private timer(name: "ready" | "ping" | "pong", delayMs: number, callback: () => void): void {
    this.cancel(name);
    this.timers.set(
      name,
      this.env.setTimeout(() => {
        this.timers.delete(name);
        callback();
      }, delayMs),
    );
  }

  private cancel(name: "ready" | "ping" | "pong"): void {
    const timer = this.timers.get(name);
    if (timer) this.env.clearTimeout(timer);
    this.timers.delete(name);
  }
}
