// Somebody in an open room, alone with bob.

import { act } from "@testing-library/react";
import { expect, vi } from "vitest";
import type { Message, User } from "@chat/sdk";
import { message, ROOM } from "../../sdk/test/support.js";
import { ME, openPage, screen, within, type Opening } from "./support.js";

export const BOB: User = { id: "u-bob", username: "bob", email: "b@users.invalid" };
export const room = (more: object = {}) => ({
  id: ROOM,
  name: "Garden",
  isPrivate: false,
  kind: "room",
  role: "owner",
  members: [ME, BOB],
  memberCount: 2,
  settings: { notifications: "all", mutedUntil: null, isFavourite: false },
  ...more,
});

/** In a room with these messages, connected. */
export async function inRoom(messages: Message[], { routes = {}, of = {}, hash = "", limits = {}, now, title = "Garden" }: { routes?: Opening["routes"]; of?: object; hash?: string; limits?: Record<string, number>; now?: string; title?: string } = {}) {
  const opened = openPage(`#/rooms/${ROOM}${hash}`, {
    routes: {
      "GET /rooms": () => [room(of)],
      [`GET /rooms/${ROOM}/members`]: () => ({ members: [ME, BOB], nextCursor: null }),
      [`GET /rooms/${ROOM}/receipts`]: () => ({ receipts: [], nextCursor: null }),
      "GET /messages": () => ({ messages: messages.toReversed(), nextCursor: null, newerCursor: null }),
      ...routes,
    },
  });
  const { world } = opened;
  world.pongs = true;
  await screen.findByRole("heading", { name: title, level: 1 });
  await vi.waitFor(() => world.socket.all("x"));
  world.socket.limits = limits;
  world.socket.now = now;
  act(() => world.socket.ready());
  await vi.waitFor(() => world.socket.last("room.subscribe"));
  act(() => world.socket.joined(ROOM, 100));
  if (messages.length > 0) await vi.waitFor(() => expect(document.querySelector(".message")).not.toBeNull(), { timeout: 5_000 });
  const bubble = (text: string) => within(screen.getAllByText(text).map((el) => el.closest<HTMLElement>(".message")).find(Boolean)!);
  const says = (frame: object) => act(() => world.socket.says(frame));
  const more = async (text: string, choice: string | RegExp) => {
    await opened.user.click(bubble(text).getByRole("button", { name: "More to do with this message" }));
    await opened.user.click(bubble(text).getByRole("button", { name: choice }));
  };
  return { ...opened, bubble, says, more };
}

export const recent = (seq: number, changes: Partial<Message> = {}) => {
  const at = new Date(Date.now() - 60_000 + seq).toISOString();
  return message(seq, { createdAt: at, updatedAt: at, ...changes });
};
