import type { Room, User } from "@chat/sdk";
import { shownName } from "../format.js";
import type { IconName } from "../ui/Icon.js";

/** A conversation of two is called by the other one, as he calls himself. */
export function titleOf(room: Room, partner: User | null): string {
  return room.kind === "direct" && partner ? shownName(partner) : room.name;
}

export function symbolOf(room: Room): IconName {
  if (room.kind === "direct") return "members";
  return room.isPrivate ? "lock" : "hash";
}
