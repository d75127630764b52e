// The REST routes the client uses, one method each.

import type { HttpClient } from "./http.js";
import type { Counts } from "./frames.js";
import type {
  DirectoryPage,
  MemberPage,
  Message,
  MessagePage,
  ReceiptPage,
  Room,
  Session,
  User,
} from "./types.js";

export class Api {
  constructor(private readonly http: HttpClient) {}

  register(username: string, email: string, password: string): Promise<Session> {
    return this.http.request("/auth/register", {
      method: "POST",
      body: { username, email, password, refreshCookie: true },
      authenticated: false,
      cookie: true,
    });
  }

  login(email: string, password: string, code?: string): Promise<Session> {
    return this.http.request("/auth/login", {
      method: "POST",
      body: { email, password, ...(code ? { code } : {}), refreshCookie: true },
      authenticated: false,
      cookie: true,
    });
  }

  logout(): Promise<void> {
    return this.http.request("/auth/logout", { method: "POST", cookie: true });
  }

  me(): Promise<User> {
    return this.http.request("/users/me");
  }

  rooms(): Promise<Room[]> {
    return this.http.request("/rooms");
  }

  room(roomId: string): Promise<Room> {
    return this.http.request(`/rooms/${encodeURIComponent(roomId)}`);
  }

  members(roomId: string, cursor?: string, limit = 50): Promise<MemberPage> {
    return this.http.request(`/rooms/${encodeURIComponent(roomId)}/members`, { query: { limit, cursor } });
  }

  receipts(roomId: string, cursor?: string, limit = 50): Promise<ReceiptPage> {
    return this.http.request(`/rooms/${encodeURIComponent(roomId)}/receipts`, { query: { limit, cursor } });
  }

  /** Only forward; what is left out stays. */
  moveMarks(roomId: string, marks: { read?: number; received?: number }): Promise<Counts> {
    return this.http.request(`/rooms/${encodeURIComponent(roomId)}/marks`, { method: "PUT", body: marks });
  }

  /** Those that hold the text; all of them without one. */
  directory(cursor?: string, text?: string, limit = 30): Promise<DirectoryPage> {
    return this.http.request("/directory/rooms", { query: { limit, cursor, query: text || undefined } });
  }

  /** Newest first. */
  messages(roomId: string, cursor?: string, limit = 50): Promise<MessagePage> {
    return this.http.request("/messages", { query: { roomId, limit, cursor } });
  }

  editMessage(messageId: string, content: string): Promise<Message> {
    return this.http.request(`/messages/${encodeURIComponent(messageId)}`, { method: "PATCH", body: { content } });
  }

  deleteMessage(messageId: string): Promise<void> {
    return this.http.request(`/messages/${encodeURIComponent(messageId)}`, { method: "DELETE" });
  }

  socketTicket(): Promise<{ ticket: string; expiresIn: number }> {
    return this.http.request("/ws/ticket", { method: "POST" });
  }
}
