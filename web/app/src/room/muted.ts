import type { RoomSettings } from "@chat/sdk";

export const isMuted = (settings: RoomSettings | undefined, now = Date.now()) =>
  Boolean(settings?.mutedUntil && Date.parse(settings.mutedUntil) > now);
