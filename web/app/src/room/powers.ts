// What to offer, by roles. The server has the last word.

import type { Role, Room, User } from "@chat/sdk";

const RANK: Record<Role, number> = { member: 0, administrator: 1, owner: 2 };

export const ROLE_NAMES: Record<Role, string> = { member: "member", administrator: "administrator", owner: "owner" };

const rankOf = (role: Role | undefined) => (role ? RANK[role] : -1);

/** Change the room, add and remove people, make links. */
export const mayManage = (room: Room) => room.kind !== "direct" && rankOf(room.role) >= RANK.administrator;

/** Into a public room everybody may come, so everybody in it may invite. */
export const mayInvite = (room: Room) => mayManage(room) || (room.kind !== "direct" && room.role !== undefined && !room.isPrivate);

/** In a conversation everybody looks after it. */
export const mayPin = (room: Room) => room.kind === "direct" || mayManage(room);

/** Neither of two leaves the other alone. */
export const mayLeave = (room: Room) => room.kind !== "direct" || room.memberCount !== 2;

/** Give roles, and the room itself. */
export const mayGiveRoles = (room: Room) => room.kind !== "direct" && room.role === "owner";

/** Look through what is reported in any room. */
export const mayModerate = ({ serverRole }: User) => serverRole === "moderator" || serverRole === "administrator";

/** Nobody does anything to his equal, or to one above him. */
export const isBelow = (room: Room, role: Role | undefined) => rankOf(room.role) > rankOf(role ?? "member");
