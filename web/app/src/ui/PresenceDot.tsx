import type { Presence } from "@chat/sdk";

/** Full or hollow, so that it does not depend on colour; decoration for the words beside it. */
export function PresenceDot({ presence }: { presence: Presence | undefined }) {
  if (!presence) return null;
  return <span className={`presence-dot ${presence.isOnline ? "presence-online" : ""}`} aria-hidden="true" />;
}
