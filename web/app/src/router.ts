// Routes live behind the hash: one static page serves them all, a reload keeps
// the room, and what a mail's link carries is told no server.

import { useMemo, useSyncExternalStore } from "react";

/** Pages that take what came in a link. */
export const LINK_PAGES = ["verify-email", "confirm-email", "reset-password", "invite"] as const;
export const REPORTS = ["open", "resolved"] as const;
export const SETTINGS = ["profile", "account", "notifications", "devices", "privacy", "data"] as const;

export type LinkPage = (typeof LINK_PAGES)[number];
export type SettingsSection = (typeof SETTINGS)[number];
export type Route =
  | { page: "login" | "register" | "forgot-password" | "account-closed" | "rooms" }
  | { page: LinkPage; token: string }
  | { page: "settings"; section: SettingsSection }
  | { page: "reports"; status: (typeof REPORTS)[number] }
  | { page: "room"; roomId: string; messageId: string | null };

const PLAIN = ["login", "register", "forgot-password", "account-closed"] as const;

export function parseRoute(hash: string): Route {
  const [first = "", second = "", third = "", fourth = ""] = hash.replace(/^#\/?/, "").split("/");
  const is = <T extends string>(names: readonly T[], name: string): name is T => names.includes(name as T);
  if (is(PLAIN, first)) return { page: first };
  if (is(LINK_PAGES, first)) return { page: first, token: decode(second) };
  if (first === "settings") return { page: "settings", section: is(SETTINGS, second) ? second : "profile" };
  if (first === "reports") return { page: "reports", status: is(REPORTS, second) ? second : "open" };
  if (first === "rooms" && second) return { page: "room", roomId: decode(second), messageId: (third === "messages" && decode(fourth)) || null };
  return { page: "rooms" };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function roomHref(roomId: string): string {
  return `#/rooms/${encodeURIComponent(roomId)}`;
}

/** One message among those around it. */
export function messageHref(roomId: string, messageId: string): string {
  return `${roomHref(roomId)}/messages/${encodeURIComponent(messageId)}`;
}

/** For others: as it stands in the address bar. */
export const linkTo = (hash: string) => `${location.origin}${location.pathname}${hash}`;

/** How often somebody asked for the place where he was already. */
let repeats = 0;

/** The same address again is no news to the browser; here it is, for whoever has scrolled away meanwhile. */
export function navigate(hash: string): void {
  if (location.hash !== hash) location.hash = hash;
  else {
    repeats += 1;
    tell();
  }
}

/** For links: the browser follows them itself, but not to where it is. */
export function revisit(hash: string): void {
  if (location.hash === hash) navigate(hash);
}

/** Out of a room, for whoever has not opened another one meanwhile. */
export function leaveRoom(roomId: string): void {
  const route = parseRoute(location.hash);
  if (route.page === "room" && route.roomId === roomId) navigate("#/rooms");
}

/** Whoever went to the end of a room has left the place that a link led to: a reload stays there. */
export function leavePlace(roomId: string): void {
  if (!location.hash.startsWith(`${roomHref(roomId)}/`)) return;
  history.replaceState(null, "", roomHref(roomId));
  tell();
}

/** What is used up must not stay in the history, nor be presented again by a reload. */
export function dropToken(page: LinkPage): void {
  history.replaceState(null, "", `#/${page}/`);
}

/** What the browser does not tell of. */
const tell = () => window.dispatchEvent(new Event("hashchange"));

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

/** Another object with each visit. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  const times = useSyncExternalStore(subscribe, () => repeats);
  return useMemo(() => parseRoute(hash), [hash, times]);
}
