// Make before break: the second socket, from its ticket until it has resumed.
// The first one goes on delivering meanwhile, so what this one says is kept
// until it takes over.

import { ApiError } from "./http.js";
import { closeMeaning } from "./closecodes.js";
import { encode, type HelloData, type ReadyData, type ResumeData, type ServerFrame } from "./frames.js";
import { CLOSE_RECONNECT, Link, type LinkEnvironment } from "./link.js";
import type { ProtocolFaults } from "./sequence.js";

/** More than a whole replay: beyond it nothing is gained by waiting for `resumed`. */
const MAX_KEPT_FRAMES = 10_000;

export interface MovePort {
  ticket(): Promise<string>;
  isMine(ready: ReadyData): boolean;
  resumption(hello: HelloData, ready: ReadyData): ResumeData;
  /** The new socket has resumed. */
  resumed(): void;
  /** The new socket is of no use; the old one is still there. */
  failed(how: MoveFailure): void;
  /** After it took over early: the server refused to resume. */
  resumeRefused(): void;
}

export type MoveFailure = { then: "retry"; afterMs: number } | { then: "stay" } | { then: "logOut" };

export class Move {
  private link: Link | null = null;
  private resumption: ResumeData | null = null;
  private readonly frames: ServerFrame[] = [];
  /** Given up, or taken over: the port is no longer spoken to. */
  private over = false;

  constructor(
    private readonly env: LinkEnvironment,
    private readonly faults: ProtocolFaults,
    private readonly replaces: string,
    private readonly port: MovePort,
  ) {}

  async start(): Promise<void> {
    let ticket: string;
    try {
      ticket = await this.port.ticket();
    } catch (error) {
      return this.fail(refusal(error));
    }
    if (this.over) return;
    this.link = new Link(this.env, ticket, this.faults, {
      ready: (hello, ready) => this.resume(hello, ready),
      frame: (frame) => this.keep(frame),
      ended: (code) => this.fail(ending(code)),
    });
  }

  cancel(): void {
    this.over = true;
    this.link?.close(CLOSE_RECONNECT);
  }

  /** The new socket and what it said so far; null while there is none. */
  takeOver(): { link: Link; resumption: ResumeData | null; frames: ServerFrame[] } | null {
    this.over = true;
    return this.link && { link: this.link, resumption: this.resumption, frames: this.frames };
  }

  private resume(hello: HelloData, ready: ReadyData): void {
    if (!this.port.isMine(ready)) return this.fail({ then: "logOut" });
    // A server without it, such as an older one, can only be moved to the plain way.
    if (!hello.features.includes("resume")) return this.fail({ then: "stay" });
    const resumption = { ...this.port.resumption(hello, ready), replaces: this.replaces };
    this.resumption = resumption;
    this.link?.request((ref) => encode.resume(ref, resumption), (reply) => {
      if (reply?.kind === "resumed" && !this.over) this.port.resumed();
      if (reply?.kind !== "error") return;
      if (this.over) this.port.resumeRefused();
      else this.fail({ then: "retry", afterMs: reply.d.retryAfterMs ?? 0 });
    });
  }

  private keep(frame: ServerFrame): void {
    if (frame.kind === "sessionRevoked") return this.fail({ then: "logOut" });
    this.frames.push(frame);
    if (this.frames.length > MAX_KEPT_FRAMES && this.resumption && !this.over) this.port.resumed();
  }

  private fail(how: MoveFailure): void {
    if (this.over) return;
    this.cancel();
    this.port.failed(how);
  }
}

function refusal(error: unknown): MoveFailure {
  if (!(error instanceof ApiError)) return { then: "retry", afterMs: 0 };
  if (error.status === 401) return { then: "logOut" };
  if (error.status === 403 && !error.retryable) return { then: "stay" };
  return { then: "retry", afterMs: error.retryAfterMs ?? 0 };
}

function ending(code: number | undefined): MoveFailure {
  const meaning = closeMeaning(code);
  if (meaning === "loggedOut") return { then: "logOut" };
  return meaning === "stop" ? { then: "stay" } : { then: "retry", afterMs: 0 };
}
