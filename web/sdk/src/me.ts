// Who is logged in, as the server last told it.

import { ApiError } from "./http.js";
import type { TokenStore } from "./tokens.js";
import type { User } from "./types.js";

export interface MePort {
  ask(): Promise<User>;
  changed(): void;
}

export class Me {
  private current: User | null = null;

  constructor(
    private readonly tokens: TokenStore,
    private readonly port: MePort,
  ) {}

  get user(): User | null {
    return this.current;
  }

  begin(user: User): void {
    this.current = user;
    this.port.changed();
  }

  end(): void {
    this.current = null;
    this.port.changed();
  }

  /** Asks again; without an answer what is known goes on holding. */
  async refresh(): Promise<void> {
    const before = this.current?.id;
    if (before === undefined) return;
    try {
      const user = await this.port.ask();
      if (this.current?.id === before) this.take(user);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** The same person, as another answer or another tab tells. */
  take(user: User): void {
    if (this.current?.id !== user.id || JSON.stringify(user) === JSON.stringify(this.current)) return;
    this.current = user;
    const stored = this.tokens.read();
    if (stored?.token && stored.user.id === user.id) this.tokens.write(user, stored.token);
    this.port.changed();
  }

  change(change: Partial<User>): void {
    if (this.current) this.take({ ...this.current, ...change });
  }

  /** A refusal tells something of whoever is refused. */
  refused(code: string): void {
    if (code === "emailNotVerified") this.change({ emailVerified: false });
  }

  /** Came back from reading mail, perhaps. */
  returned(): void {
    if (this.current?.emailVerified === false) void this.refresh();
  }
}
