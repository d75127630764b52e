export { ChatClient, type Topic } from "./client.js";
export { ApiError, type FieldError } from "./http.js";
export { browserEnvironment, type Environment } from "./environment.js";
export type { ConnectionState } from "./connection.js";
export type { MemberView } from "./members.js";
export type { OutboxItem } from "./outbox.js";
export type { RoomEntry, RoomView } from "./rooms.js";
export type { DirectoryPage, Message, NewRoom, Room, User } from "./types.js";
