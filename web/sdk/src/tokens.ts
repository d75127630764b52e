// The one place that knows where the session's tokens are kept.

import type { Environment } from "./environment.js";
import type { Session } from "./types.js";

const KEY = "chat.session";

export class TokenStore {
  constructor(private readonly env: Pick<Environment, "storage" | "onStorage">) {}

  read(): Session | null {
    const text = this.env.storage.getItem(KEY);
    if (!text) return null;
    try {
      const value = JSON.parse(text) as Partial<Session>;
      const complete = value.user?.id && value.token && value.refreshToken;
      return complete ? (value as Session) : null;
    } catch {
      return null;
    }
  }

  write(session: Session): void {
    this.env.storage.setItem(KEY, JSON.stringify(session));
  }

  clear(): void {
    this.env.storage.removeItem(KEY);
  }

  /** Another tab logged in, out, or refreshed. */
  onChange(callback: () => void): () => void {
    return this.env.onStorage((key) => {
      if (key === null || key === KEY) callback();
    });
  }
}
