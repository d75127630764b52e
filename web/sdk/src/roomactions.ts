// What people do to rooms, one method a route. The socket tells everybody; who
// did it need not wait for that.

import { ApiError, type HttpClient } from "./http.js";
import type { HistoryVisibility, NewRoom, Room, RoomSettings, User } from "./types.js";

export interface RoomChange {
  name?: string;
  /** Empty takes it away. */
  description?: string;
  topic?: string;
  historyVisibility?: HistoryVisibility;
  /** Null: as everywhere on the server. */
  editWindowSeconds?: number | null;
  slowModeSeconds?: number;
}

export interface Invite {
  id: string;
  roomId: string;
  invitedBy: string;
  /** Absent: whoever has the link. */
  userId?: string;
  /** Told once, when a link is made. */
  token?: string;
  createdAt: string;
  expiresAt: string | null;
  maxUses: number | null;
  uses: number;
}

export interface InvitePreview {
  invite: Invite;
  room: Room;
}

export interface Ban {
  user: User;
  bannedBy: string;
  bannedAt: string;
}

export interface RoomActionsPort {
  me(): string | null;
  invitesChanged(): void;
  refreshRooms(): Promise<void>;
  left(roomId: string): void;
  membersChanged(roomId: string): void;
  settingsChanged(roomId: string, settings: RoomSettings): void;
}

const path = (roomId: string, ...rest: string[]) => ["/rooms", ...[roomId, ...rest].map(encodeURIComponent)].join("/");

const mine = (inviteId: string) => `/users/me/invites/${encodeURIComponent(inviteId)}`;

export class RoomActions {
  private invitesToMe: readonly InvitePreview[] = [];

  constructor(
    private readonly http: HttpClient,
    private readonly port: RoomActionsPort,
  ) {}

  create(room: NewRoom): Promise<Room> {
    return this.entered(this.http.request("/rooms", { method: "POST", body: room }));
  }

  join(roomId: string): Promise<Room> {
    return this.entered(this.http.request(path(roomId, "join"), { method: "POST" }));
  }

  async leave(roomId: string): Promise<void> {
    await this.http.request(path(roomId, "leave"), { method: "POST" });
    this.port.left(roomId);
    await this.port.refreshRooms();
  }

  change(roomId: string, change: RoomChange): Promise<Room> {
    return this.entered(this.http.request(path(roomId), { method: "PATCH", body: change }));
  }

  archive(roomId: string, archived: boolean): Promise<Room> {
    return this.entered(this.http.request(path(roomId, archived ? "archive" : "unarchive"), { method: "POST" }));
  }

  /** The same people always get the same conversation. */
  openDirect(userIds: readonly string[]): Promise<Room> {
    return this.entered(this.http.request("/direct-rooms", { method: "POST", body: { userIds } }));
  }

  /** What one wants of a room, on all one's devices. */
  async set(roomId: string, settings: RoomSettings): Promise<void> {
    const body = { ...settings, mutedUntil: settings.mutedUntil ?? undefined };
    this.port.settingsChanged(roomId, await this.http.request<RoomSettings>(path(roomId, "settings"), { method: "PUT", body }));
  }

  // --- members -----------------------------------------------------------------

  addMember(roomId: string, userId: string): Promise<void> {
    return this.regrouped(roomId, this.http.request(path(roomId, "members"), { method: "POST", body: { userId } }));
  }

  removeMember(roomId: string, userId: string): Promise<void> {
    return this.regrouped(roomId, this.http.request(path(roomId, "members", userId), { method: "DELETE" }));
  }

  setRole(roomId: string, userId: string, role: "member" | "administrator"): Promise<void> {
    return this.regrouped(roomId, this.http.request(path(roomId, "members", userId, "role"), { method: "PUT", body: { role } }));
  }

  transfer(roomId: string, userId: string): Promise<void> {
    return this.regrouped(roomId, this.http.request(path(roomId, "transfer"), { method: "POST", body: { userId } }));
  }

  ban(roomId: string, userId: string): Promise<void> {
    return this.regrouped(roomId, this.http.request(path(roomId, "bans", userId), { method: "PUT" }));
  }

  unban(roomId: string, userId: string): Promise<void> {
    return this.http.request(path(roomId, "bans", userId), { method: "DELETE" });
  }

  /** Until then the person may only read. The reason is told to everybody in the room, and kept for the person and who looks after the room. */
  mute(roomId: string, userId: string, until: string, reason?: string): Promise<void> {
    const body = { until, ...(reason ? { reason } : {}) };
    return this.regrouped(roomId, this.http.request(path(roomId, "members", userId, "mute"), { method: "PUT", body }));
  }

  unmute(roomId: string, userId: string): Promise<void> {
    return this.regrouped(roomId, this.http.request(path(roomId, "members", userId, "mute"), { method: "DELETE" }));
  }

  async bans(roomId: string): Promise<Ban[]> {
    return (await this.http.request<{ bans: Ban[] }>(path(roomId, "bans"))).bans;
  }

  // --- invitations -------------------------------------------------------------

  invite(roomId: string, userId: string): Promise<Invite> {
    return this.http.request(path(roomId, "invites"), { method: "POST", body: { userId } });
  }

  /** Its token is told now and never again. */
  makeLink(roomId: string, limits: { expiresIn?: number; maxUses?: number }): Promise<Invite> {
    return this.http.request(path(roomId, "invites"), { method: "POST", body: limits });
  }

  async invites(roomId: string): Promise<Invite[]> {
    return (await this.http.request<{ invites: Invite[] }>(path(roomId, "invites"))).invites;
  }

  revoke(roomId: string, inviteId: string): Promise<void> {
    return this.http.request(path(roomId, "invites", inviteId), { method: "DELETE" });
  }

  /** Those that wait for oneself, as last asked. */
  get myInvites(): readonly InvitePreview[] {
    return this.invitesToMe;
  }

  async refreshInvites(): Promise<void> {
    const userId = this.port.me();
    try {
      const { invites } = await this.http.request<{ invites: InvitePreview[] }>("/users/me/invites");
      if (this.port.me() === userId) this.setInvites(invites);
    } catch (error) {
      // Asked again at the next start.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  forgetInvites(): void {
    this.setInvites([]);
  }

  async acceptMine(inviteId: string): Promise<Room> {
    const room = await this.entered(this.http.request<Room>(`${mine(inviteId)}/accept`, { method: "POST" }));
    await this.refreshInvites();
    return room;
  }

  async decline(inviteId: string): Promise<void> {
    await this.http.request(mine(inviteId), { method: "DELETE" });
    await this.refreshInvites();
  }

  preview(token: string): Promise<InvitePreview> {
    return this.http.request(`/invites/${encodeURIComponent(token)}`);
  }

  accept(token: string): Promise<Room> {
    return this.entered(this.http.request(`/invites/${encodeURIComponent(token)}/accept`, { method: "POST" }));
  }

  private setInvites(invites: readonly InvitePreview[]): void {
    if (invites.length === 0 && this.invitesToMe.length === 0) return;
    this.invitesToMe = invites;
    this.port.invitesChanged();
  }

  private async entered(asked: Promise<Room>): Promise<Room> {
    const room = await asked;
    await this.port.refreshRooms();
    return room;
  }

  private async regrouped(roomId: string, asked: Promise<void>): Promise<void> {
    await asked;
    this.port.membersChanged(roomId);
    await this.port.refreshRooms();
  }
}
