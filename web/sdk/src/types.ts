// The REST schemas, named as the OpenAPI document names them.

import type { Receipt } from "./frames.js";

export interface User {
  id: string;
  username: string;
  email: string;
  avatar?: string | null;
  /** At the moment of the answer; who watches presence is told of changes. */
  isOnline?: boolean;
  lastSeen?: string | null;
}

export interface Room {
  id: string;
  name: string;
  description?: string | null;
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
  /** Present on tombstones, whose content is empty. */
  deletedAt?: string | null;
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
  isPrivate?: boolean;
}
