// The one place that knows where the session's tokens are kept: the access token in this page's memory, the refresh
// token in a cookie that no script can read. Only who is logged in is stored, for a reload and for other tabs.

import type { Environment } from "./environment.js";
import type { User } from "./types.js";

const KEY = "chat.session";

export interface KeptSession {
  user: User;
  /** Null until this page has got one. */
  token: string | null;
}

export class TokenStore {
  private held: { userId: string; token: string } | null = null;

  constructor(private readonly env: Pick<Environment, "storage" | "onStorage">) {}

  read(): KeptSession | null {
    const user = this.readUser();
    if (!user) return null;
    // Another tab may have logged somebody else in.
    return { user, token: this.held?.userId === user.id ? this.held.token : null };
  }

  /** Somebody logged in here. */
  write(user: User, token: string): void {
    this.hold(user, token);
    this.env.storage.setItem(KEY, JSON.stringify({ user }));
  }

  /** A new access token for who is logged in already. */
  hold(user: User, token: string): void {
    this.held = { userId: user.id, token };
  }

  clear(): void {
    this.held = null;
    this.env.storage.removeItem(KEY);
  }

  /** Another tab logged in or out. */
  onChange(callback: () => void): () => void {
    return this.env.onStorage((key) => {
      if (key === null || key === KEY) callback();
    });
  }

  private readUser(): User | null {
    const text = this.env.storage.getItem(KEY);
    if (!text) return null;
    try {
      const { user, ...rest } = JSON.parse(text) as { user?: User };
      if (!user?.id) return null;
      // Pages of before left tokens here.
      if (Object.keys(rest).length > 0) this.env.storage.setItem(KEY, JSON.stringify({ user }));
      return user;
    } catch {
      return null;
    }
  }
}
