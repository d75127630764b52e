// Who is there, of the people on screen. The server is told whom to watch; each
// socket has a list of its own, so it is told again on each.

import type { Environment, Timer } from "./environment.js";
import type { PresenceEntry } from "./frames.js";

const MAX_WATCHED = 200;
/** People come on screen in crowds: one list covers them. */
const SETTLE_MS = 300;
const RETRY_MS = 2_000;

export interface Presence {
  isOnline: boolean;
  lastSeen: string | null;
}

export interface PresencePort {
  /** The people on screen, those that matter most first. */
  onScreen(): Iterable<string>;
  /** Whether there is a socket whose server knows of presence. */
  canWatch(): boolean;
  /** Calls back with a delay when the server asks to try again later. */
  watch(userIds: readonly string[], refused: (retryAfterMs: number) => void): void;
  changed(): void;
}

export class PresenceBook {
  private view: ReadonlyMap<string, Presence> = new Map();
  /** What the present socket was asked to watch. */
  private watched: string | null = null;
  private timer: Timer | null = null;

  constructor(
    private readonly env: Pick<Environment, "setTimeout" | "clearTimeout">,
    private readonly port: PresencePort,
  ) {}

  get snapshot(): ReadonlyMap<string, Presence> {
    return this.view;
  }

  /** Who is on screen may have changed. */
  refresh(): void {
    this.timer ??= this.env.setTimeout(() => this.sync(), SETTLE_MS);
  }

  /** Another socket. What is known stays, lest everybody flicker. */
  connected(): void {
    this.watched = null;
    this.sync();
  }

  heard(users: readonly PresenceEntry[]): void {
    const view = new Map(this.view);
    for (const { userId, isOnline, lastSeen } of users) view.set(userId, { isOnline, lastSeen: lastSeen ?? null });
    this.view = view;
    this.port.changed();
  }

  clear(): void {
    this.cancel();
    this.watched = null;
    this.view = new Map();
    this.port.changed();
  }

  private sync(): void {
    this.cancel();
    if (!this.port.canWatch()) return;
    const users = new Set<string>();
    for (const userId of this.port.onScreen()) {
      if (users.size === MAX_WATCHED) break;
      users.add(userId);
    }
    // Another order is the same list.
    const key = [...users].sort().join();
    if (key === (this.watched ?? "")) return;
    this.watched = key;
    this.port.watch([...users], (retryAfterMs) => {
      if (this.watched !== key) return;
      this.watched = null;
      this.cancel();
      this.timer = this.env.setTimeout(() => this.sync(), Math.max(RETRY_MS, retryAfterMs));
    });
  }

  private cancel(): void {
    if (this.timer) this.env.clearTimeout(this.timer);
    this.timer = null;
  }
}
