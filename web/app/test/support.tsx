// The page as somebody sees it, before a server made by hand.

import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach } from "vitest";
import type { User } from "@chat/sdk";
import { memoryStorage } from "../../sdk/src/environment.js";
import { ME, problem, World, type Route } from "../../sdk/test/support.js";
import { App } from "../src/App.js";
import { typed } from "../src/auth/typed.js";
import { startChat } from "../src/chat.js";

export { ME, problem, screen, within, World };
export const nothing = (status = 204) => new Response(null, { status });
export const refused = (field: string, message: string) => problem(400, "badRequest", { errors: [{ field, message }] });
export const limited = (seconds: number) => problem(429, "rateLimited", { retryAfterMs: seconds * 1000 });

export interface Opening {
  /** Null: nobody is logged in. */
  user?: (User & Record<string, unknown>) | null;
  routes?: Record<string, Route>;
}

/** Opens the page at a hash. The answers can be changed at any time through `world.routes`. */
export function openPage(hash: string, { user = { ...ME, emailVerified: true }, routes = {} }: Opening = {}) {
  const world = new World(memoryStorage());
  if (user) {
    world.storage.setItem("chat.session", JSON.stringify({ user, token: "access-1", refreshToken: "refresh-1" }));
    world.routes.set("GET /users/me", () => user);
  }
  world.routes.set("POST /auth/refresh", () => ({ token: "access-1", refreshToken: "refresh-1" }));
  for (const [key, route] of Object.entries(routes)) world.routes.set(key, route);
  history.replaceState(null, "", hash);
  startChat(world.environment());
  render(<App />);
  return { world, user: userEvent.setup() };
}

afterEach(() => {
  cleanup();
  typed.email = "";
});
