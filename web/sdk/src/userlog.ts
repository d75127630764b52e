// What concerns the user and no room: numbered without gaps, each applied once,
// whichever socket brings it first.

import { isCounts, isRoomSettings, roomIdOf } from "./decode.js";
import type { Counts, HelloData, ReadyData, ServerFrame } from "./frames.js";
import type { RoomSettings } from "./types.js";

export interface UserLogPort {
  roomAdded(roomId: string): void;
  roomRemoved(roomId: string): void;
  markMoved(roomId: string, counts: Counts): void;
  settingsChanged(roomId: string, settings: RoomSettings): void;
  /** On another device. */
  profileChanged(): void;
  invitesChanged(): void;
  /** Something was missed: what the log would have told must be asked for. */
  missed(): void;
}

export class UserLog {
  private last: number | null = null;
  private epoch: string | null = null;

  constructor(private readonly port: UserLogPort) {}

  /** Where to go on from; a log not followed yet begins where the session did. */
  after(ready: ReadyData): number {
    return this.last ?? ready.userSeq;
  }

  connected(hello: HelloData, ready: ReadyData, resumed: boolean): void {
    // The numbers of another database are others; without a resumption nothing before `ready` is told.
    const goesOn = resumed && (this.epoch ?? hello.epoch) === hello.epoch;
    if (this.last === null || !goesOn) this.last = ready.userSeq;
    this.epoch = hello.epoch;
  }

  clear(): void {
    this.last = null;
    this.epoch = null;
  }

  apply({ t, useq, d }: Extract<ServerFrame, { kind: "userLog" }>): void {
    if (this.last !== null && useq <= this.last) return;
    const gap = this.last !== null && useq > this.last + 1;
    this.last = useq;
    if (gap) this.port.missed();
    if (t === "profile.updated") return this.port.profileChanged();
    if (t.startsWith("invite.")) return this.port.invitesChanged();
    const roomId = roomIdOf(d);
    if (roomId === null) return;
    if (t === "room.added") this.port.roomAdded(roomId);
    else if (t === "room.removed") this.port.roomRemoved(roomId);
    else if (t === "mark.moved" && isCounts(d)) this.port.markMoved(roomId, d);
    else if (t === "settings.updated" && isRoomSettings(d)) {
      const { notifications, mutedUntil, isFavourite } = d;
      this.port.settingsChanged(roomId, { notifications, mutedUntil: mutedUntil ?? null, isFavourite });
    }
  }
}
