// The list of one's rooms: read over REST, kept by what the socket tells, and
// sorted: favourites first, then by where something was said last.

import { ApiError } from "./http.js";
import type { Api } from "./api.js";
import type { Environment, Timer } from "./environment.js";
import type { RoomHead } from "./frames.js";
import type { Room, RoomSettings } from "./types.js";

const POLL_MS = 30_000;
/** Members come in bursts; one look at the list covers them. */
const SETTLE_MS = 300;
/** Between two series of heads no more rooms than this become active. */
const SERIES = 1_000_000;

const favourite = ({ settings }: Room) => (settings?.isFavourite ? 1 : 0);

export interface RoomListPort {
  /** False once the session for which was asked is over. */
  isCurrent(userId: string): boolean;
  me(): string | null;
  /** The list was read, or a room of it. */
  listed(rooms: readonly Room[]): void;
  changed(): void;
}

export class RoomList {
  private list: readonly Room[] | null = null;
  private sorted: readonly Room[] | null = null;
  private failure: ApiError | null = null;
  private timer: Timer | null = null;
  private due = 0;
  /** Counts the questions and what is told unasked, so that no answer undoes what came after its question. */
  private turn = 0;
  /** Which question the list answers. */
  private listedAt = 0;
  /** What was told last, or the question about one room that was answered last. */
  private changedAt = 0;
  /** The higher, the later something was said there. */
  private readonly rank = new Map<string, number>();
  private lastRank = 0;
  /** The next heads name the rooms in their order. */
  private series: { next: number } | null = null;

  constructor(
    private readonly env: Pick<Environment, "now" | "setTimeout" | "clearTimeout">,
    private readonly api: Api,
    private readonly port: RoomListPort,
  ) {}

  /** Null until the first answer. */
  get rooms(): readonly Room[] | null {
    if (!this.list) return null;
    this.sorted ??= [...this.list].sort(
      (a, b) => favourite(b) - favourite(a) || this.rankOf(b.id) - this.rankOf(a.id) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id),
    );
    return this.sorted;
  }

  get error(): ApiError | null {
    return this.failure;
  }

  find(roomId: string): Room | null {
    return this.list?.find((room) => room.id === roomId) ?? null;
  }

  /** The members of all rooms for two. */
  *pairs(): Iterable<string> {
    for (const room of this.rooms ?? []) {
      if (room.memberCount === 2) for (const { id } of room.members ?? []) yield id;
    }
  }

  async refresh(): Promise<void> {
    const userId = this.port.me();
    if (userId === null) return;
    this.refreshIn(POLL_MS);
    let asked = 0;
    try {
      let rooms: Room[];
      do {
        asked = this.turn += 1;
        rooms = await this.api.rooms();
        if (!this.port.isCurrent(userId) || asked < this.listedAt) return;
      } while (asked < this.changedAt);
      this.listedAt = asked;
      this.failure = null;
      this.set(rooms);
      this.port.listed(rooms);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!this.port.isCurrent(userId) || asked < this.listedAt) return;
      this.failure = error;
    }
    this.port.changed();
  }

  refreshSoon(): void {
    this.refreshIn(SETTLE_MS);
  }

  /** One more, or one that changed. */
  async fetch(roomId: string): Promise<void> {
    const userId = this.port.me();
    if (userId === null) return;
    const asked = (this.turn += 1);
    try {
      const room = await this.api.room(roomId);
      if (!this.port.isCurrent(userId)) return;
      // One room is no list; and what was told since then may be of this one.
      if (!this.list || asked < Math.max(this.listedAt, this.changedAt)) return this.refreshSoon();
      this.changedAt = asked;
      this.set([...this.list.filter((other) => other.id !== roomId), room]);
      this.port.listed([room]);
      this.port.changed();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Gone again, or not answered: the whole list tells which.
      if (this.port.isCurrent(userId)) this.refreshSoon();
    }
  }

  /** What one wants of a room: told by another device, or chosen here. */
  settingsChanged(roomId: string, settings: RoomSettings): void {
    this.told();
    if (!this.find(roomId)) return;
    this.set(this.list!.map((room) => (room.id === roomId ? { ...room, settings } : room)));
    this.port.changed();
  }

  /** Perhaps somebody came or went. */
  grew({ room: roomId, memberCount }: { room: string; memberCount?: number }): void {
    const known = this.find(roomId);
    if (memberCount === undefined || !known || known.memberCount === memberCount) return;
    this.set(this.list!.map((room) => (room.id === roomId ? { ...room, memberCount } : room)));
    this.port.changed();
  }

  remove(roomId: string): void {
    this.told();
    if (!this.find(roomId)) return;
    this.set(this.list!.filter((room) => room.id !== roomId));
    this.port.changed();
  }

  /** A socket is about to name all rooms, the latest first. */
  connected(): void {
    this.lastRank += SERIES;
    this.series = { next: this.lastRank };
  }

  heads(rooms: readonly RoomHead[], more: boolean): void {
    if (!this.series) return;
    for (const { room } of rooms) this.rank.set(room, (this.series.next -= 1));
    if (!more) this.series = null;
    this.sorted = null;
    this.port.changed();
  }

  /** Something was said in the room. */
  active(roomId: string): void {
    const first = this.rankOf(roomId) === this.lastRank;
    if (first) return;
    this.rank.set(roomId, (this.lastRank += 1));
    this.sorted = null;
    if (this.find(roomId)) this.port.changed();
  }

  clear(): void {
    if (this.timer) this.env.clearTimeout(this.timer);
    this.timer = null;
    this.list = null;
    this.sorted = null;
    this.failure = null;
    this.rank.clear();
    this.series = null;
    this.told();
  }

  /** Answers to what was asked before know nothing of it. */
  private told(): void {
    this.changedAt = this.turn += 1;
  }

  private refreshIn(delayMs: number): void {
    if (this.port.me() === null) return;
    const due = this.env.now() + delayMs;
    if (this.timer && this.due <= due) return;
    if (this.timer) this.env.clearTimeout(this.timer);
    this.due = due;
    this.timer = this.env.setTimeout(() => {
      this.timer = null;
      void this.refresh();
    }, delayMs);
  }

  private set(rooms: readonly Room[]): void {
    // A room that was not there before begins where one looks.
    const known = new Set(this.list?.map((room) => room.id));
    for (const { id } of this.list ? rooms : []) if (!known.has(id)) this.rank.set(id, (this.lastRank += 1));
    this.list = rooms;
    this.sorted = null;
  }

  private rankOf(roomId: string): number {
    return this.rank.get(roomId) ?? 0;
  }
}
