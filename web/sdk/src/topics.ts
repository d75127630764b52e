/** What can be listened to, each a part of what the client knows. */
export type Topic =
  | "session"
  | "me"
  | "connection"
  | "rooms"
  | "invites"
  | "unread"
  | "stranded"
  | "users"
  | "presence"
  | `room:${string}`
  | `members:${string}`
  | `typing:${string}`;
