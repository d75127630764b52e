// Who is writing. Nothing of it is stored anywhere: what is not said again ends
// by itself.

import type { Environment, Timer } from "./environment.js";

/** While somebody composes, the server is told at most this often. */
const START_PACE_MS = 3_000;
/** However far ahead a server says it ends. */
const MAX_TYPING_MS = 6_000;

export interface TypingPort {
  tell(roomId: string, what: "start" | "stop"): void;
  changed(roomId: string): void;
}

export class Typing {
  private readonly others = new Map<string, Map<string, Timer>>();
  private readonly views = new Map<string, readonly string[]>();
  private readonly own = new Map<string, { startedAt: number; told: boolean }>();

  constructor(
    private readonly env: Pick<Environment, "now" | "setTimeout" | "clearTimeout">,
    private readonly port: TypingPort,
  ) {}

  /** The text changed and is not empty. */
  composing(roomId: string): void {
    const own = this.own.get(roomId);
    const now = this.env.now();
    if (own && now - own.startedAt < START_PACE_MS) return;
    this.own.set(roomId, { startedAt: now, told: true });
    this.port.tell(roomId, "start");
  }

  /** Sent, emptied, or left alone. */
  stopped(roomId: string): void {
    const own = this.own.get(roomId);
    if (!own?.told) return;
    own.told = false;
    // After its time the server has ended it by itself.
    if (this.env.now() - own.startedAt < MAX_TYPING_MS) this.port.tell(roomId, "stop");
  }

  /** The next socket knows nothing of what the last one was told. */
  disconnected(): void {
    this.own.clear();
  }

  heard(roomId: string, userId: string, remainingMs: number): void {
    const room = this.others.get(roomId) ?? new Map<string, Timer>();
    this.others.set(roomId, room);
    const before = room.get(userId);
    if (before) this.env.clearTimeout(before);
    if (remainingMs <= 0) return this.end(roomId, userId);
    room.set(userId, this.env.setTimeout(() => this.end(roomId, userId), Math.min(remainingMs, MAX_TYPING_MS)));
    if (!before) this.changed(roomId);
  }

  /** The message is there, so its writing is over. */
  spoke(roomId: string, userId: string): void {
    if (this.others.get(roomId)?.has(userId)) this.heard(roomId, userId, 0);
  }

  users(roomId: string): readonly string[] {
    let view = this.views.get(roomId);
    if (!view) this.views.set(roomId, (view = [...(this.others.get(roomId)?.keys() ?? [])]));
    return view;
  }

  clear(): void {
    for (const room of this.others.values()) for (const timer of room.values()) this.env.clearTimeout(timer);
    this.others.clear();
    this.views.clear();
    this.own.clear();
  }

  private end(roomId: string, userId: string): void {
    const room = this.others.get(roomId);
    if (!room?.delete(userId)) return;
    if (room.size === 0) this.others.delete(roomId);
    this.changed(roomId);
  }

  private changed(roomId: string): void {
    this.views.delete(roomId);
    this.port.changed(roomId);
  }
}
