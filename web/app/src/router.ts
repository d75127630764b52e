// Routes live behind the hash: one static page serves them all, and a reload
// keeps the room.

import { useSyncExternalStore } from "react";

export type Route = { page: "login" } | { page: "register" } | { page: "rooms" } | { page: "room"; roomId: string };

export function parseRoute(hash: string): Route {
  const [first, second] = hash.replace(/^#\/?/, "").split("/");
  if (first === "login") return { page: "login" };
  if (first === "register") return { page: "register" };
  if (first === "rooms" && second) return { page: "room", roomId: decode(second) };
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

export function navigate(hash: string): void {
  location.hash = hash;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribe, () => location.hash));
}
