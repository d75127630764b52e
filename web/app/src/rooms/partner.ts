import type { Room, User } from "@chat/sdk";

/** The other one of a room for two. */
export function partnerIn(room: Room, userId: string): User | null {
  if (room.memberCount !== 2) return null;
  return room.members?.find((member) => member.id !== userId) ?? null;
}
