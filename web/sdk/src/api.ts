// The REST routes the client uses, one method each.

import type { HttpClient } from "./http.js";
import type { Counts } from "./frames.js";
import type {
  DirectoryPage,
  HitPage,
  MemberPage,
  Message,
  MessagePage,
  ReceiptPage,
  Room,
  Session,
  ThreadPage,
  User,
} from "./types.js";

const message = (messageId: string, ...rest: string[]) => ["/messages", ...[messageId, ...rest].map(encodeURIComponent)].join("/");

/** A ticket that nobody uses is none: another may be asked for soon. */
const TICKET_SILENCE_MS = 20_000;

/** Where a page is: what a cursor leads to, or around a message, or about a moment; the latest without either. */
export type PlaceInRoom = { cursor?: string; around?: string; at?: string };

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
    return this.http.logout();
  }

  /** Also somebody who is gone, under the name that is left. */
  user(userId: string): Promise<User> {
    return this.http.request(`/users/${encodeURIComponent(userId)}`);
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
  messages(roomId: string, place: PlaceInRoom = {}, limit = 50): Promise<MessagePage> {
    return this.http.request("/messages", { query: { roomId, limit, ...place } });
  }

  message(messageId: string): Promise<Message> {
    return this.http.request(message(messageId));
  }

  /** Replies, newest first. */
  thread(rootId: string, cursor?: string, limit = 50): Promise<ThreadPage> {
    return this.http.request(message(rootId, "thread"), { query: { limit, cursor } });
  }

  /** Only forward. */
  readThread(rootId: string, seq: number): Promise<void> {
    return this.http.request(message(rootId, "thread", "read"), { method: "PUT", body: { seq } });
  }

  react(messageId: string, emoji: string, on: boolean): Promise<void> {
    return this.http.request(message(messageId, "reactions", emoji), { method: on ? "PUT" : "DELETE" });
  }

  pin(messageId: string, on: boolean): Promise<void> {
    return this.http.request(message(messageId, "pin"), { method: on ? "PUT" : "DELETE" });
  }

  /** Newest pin first. */
  async pins(roomId: string): Promise<Message[]> {
    return (await this.http.request<{ messages: Message[] }>(`/rooms/${encodeURIComponent(roomId)}/pins`)).messages;
  }

  /** For those who look after the room; again, it replaces the reason. */
  report(messageId: string, reason: string): Promise<void> {
    return this.http.request(message(messageId, "report"), { method: "POST", body: { reason } });
  }

  /** Newest first, in all one's rooms. */
  search(query: string, cursor?: string, limit = 20): Promise<HitPage> {
    return this.http.request("/messages/search", { query: { query, limit, cursor } });
  }

  editMessage(messageId: string, content: string): Promise<Message> {
    return this.http.request(message(messageId), { method: "PATCH", body: { content } });
  }

  /** The reason is for another's message. */
  deleteMessage(messageId: string, reason?: string): Promise<void> {
    return this.http.request(message(messageId), { method: "DELETE", query: { reason: reason || undefined } });
  }

  socketTicket(): Promise<{ ticket: string; expiresIn: number }> {
    return this.http.request("/ws/ticket", { method: "POST", silenceMs: TICKET_SILENCE_MS });
  }
}
