// The REST schemas, named as the OpenAPI document names them.

import type { Receipt } from "./frames.js";

/** What people tell of themselves; the last three are told of oneself alone. Absent where the server does not say. */
export interface Profile {
  displayName?: string | null;
  statusText?: string | null;
  emailVerified?: boolean;
  secondFactor?: boolean;
  /** What one may do on the server; of oneself alone. */
  serverRole?: "user" | "moderator" | "administrator";
}

export interface User extends Profile {
  id: string;
  username: string;
  email: string;
  avatar?: string | null;
  /** Among the members of a room: what the person is in it. */
  role?: Role;
  /** Among the members of a room: until when the person may only read, and why. Absent from servers that do not keep the reason. */
  mutedUntil?: string | null;
  muteReason?: string;
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
  /** How long a member waits between two messages; 0 or absent: not at all. */
  slowModeSeconds?: number;
  /** What one is in it, and has set for oneself; absent outside. */
  role?: Role;
  settings?: RoomSettings;
  /** Until when one may only read there, and why; absent where it is not so. */
  mutedUntil?: string;
  muteReason?: string;
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
  /** The message that this one answers. */
  replyTo?: string | null;
  /** The message that began the thread, on every reply in it. */
  threadRoot?: string | null;
  /** Of messages read over HTTP; events tell each change. */
  reactions?: Reaction[];
  /** Of messages read over HTTP that have replies. */
  thread?: ThreadSummary;
  /** Of messages read over HTTP; events tell each change. */
  isPinned?: boolean;
  /** Present on tombstones, whose content is empty. */
  deletedAt?: string | null;
  /** Who deleted it, and why, where somebody else than the author did. */
  by?: string | null;
  reason?: string | null;
}

/** What the first message of a thread tells of it. */
export interface ThreadSummary {
  replies: number;
  lastReplyAt: string;
  /** At most five. */
  participants: string[];
  unread: number;
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

/** Newest first. */
export interface MessagePage {
  messages: Message[];
  /** Leads to older ones. */
  nextCursor: string | null;
  /** Leads to newer ones; null at the end of the room. */
  newerCursor?: string | null;
}

export interface ThreadPage extends MessagePage {
  /** Absent where it is from before one may read. */
  root?: Message;
}

/** A message that was found, and what stands around it. */
export interface Hit {
  message: Message;
  before: Message | null;
  after: Message | null;
}

export interface HitPage {
  results: Hit[];
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
