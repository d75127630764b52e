// The REST schemas, named as the OpenAPI document names them.

import type { Receipt } from "./frames.js";

/** What people tell of themselves; the last two are told of oneself alone. Absent where the server does not say. */
export interface Profile {
  displayName?: string | null;
  statusText?: string | null;
  emailVerified?: boolean;
  secondFactor?: boolean;
}

export interface User extends Profile {
  id: string;
  username: string;
  email: string;
  avatar?: string | null;
  /** Among the members of a room: what the person is in it. */
  role?: Role;
  /** At the moment of the answer; who watches presence is told of changes. */
  isOnline?: boolean;
  lastSeen?: string | null;
}

export type Role = "member" | "administrator" | "owner";
export type HistoryVisibility = "all" | "sinceJoined";

/** What a member has set for himself in a room. */
export interface RoomSettings {
  notifications: "all" | "mentions" | "none";
  mutedUntil?: string | null;
  isFavourite: boolean;
}

export interface Room {
  id: string;
  /** Of a direct conversation: the others. */
  name: string;
  description?: string | null;
  topic?: string;
  /** Absent from servers that know one kind only. */
  kind?: "room" | "direct";
  historyVisibility?: HistoryVisibility;
  archivedAt?: string;
  /** Where the room has its own. */
  editWindowSeconds?: number;
  /** How long members wait between two messages; absent from servers that know no slow mode. */
  slowModeSeconds?: number;
  /** What one is in it, and has set for oneself; absent outside. */
  role?: Role;
  settings?: RoomSettings;
  isPrivate: boolean;
  /** At most 100 people; page `/rooms/{id}/members` for everybody. */
  members?: User[];
  createdAt?: string;
  memberCount?: number;
  head?: number;
}

export interface Attachment {
  id: string;
  url: string;
  thumbnailUrl?: string | null;
  name: string;
  type: string;
  size: number;
}

export interface Message {
  id: string;
  roomId: string;
  userId: string;
  content: string;
  attachments?: Attachment[];
  createdAt: string;
  updatedAt: string;
  /** The log number of the message's creation: its place in the room, for ever. */
  seq: number;
  /** Present on one's own messages only. */
  clientMsgId?: string | null;
  editedAt?: string | null;
  /** Of messages read over HTTP; events tell each change. */
  reactions?: Reaction[];
  /** Present on tombstones, whose content is empty. */
  deletedAt?: string | null;
  /** Who deleted it, where that was not its author, and why. */
  by?: string;
  reason?: string;
}

/** One sign that people express about a message. */
export interface Reaction {
  emoji: string;
  count: number;
  /** The first of them, at most 20. */
  userIds: string[];
  isOwn: boolean;
}

export interface Session {
  user: User;
  token: string;
  /** Absent where it went into a cookie. */
  refreshToken?: string;
}

export interface MessagePage {
  messages: Message[];
  nextCursor: string | null;
}

export interface MemberPage {
  members: User[];
  nextCursor: string | null;
}

export interface ReceiptPage {
  receipts: Receipt[];
  nextCursor: string | null;
}

export interface DirectoryPage {
  rooms: Room[];
  nextCursor: string | null;
}

export interface NewRoom {
  name: string;
  description?: string;
  topic?: string;
  historyVisibility?: HistoryVisibility;
  isPrivate?: boolean;
  members?: string[];
}
