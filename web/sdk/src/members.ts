// The members of one room, page by page.

import type { Api } from "./api.js";
import type { User } from "./types.js";

export interface MemberView {
  members: readonly User[];
  hasMore: boolean;
  loading: boolean;
  failed: boolean;
}

export class MemberList {
  private view: MemberView = { members: [], hasMore: true, loading: false, failed: false };
  private cursor: string | null = null;
  private generation = 0;

  constructor(
    private readonly api: Api,
    private readonly roomId: string,
    private readonly changed: (members: readonly User[]) => void,
    /** As the server just told them. */
    private readonly told: (members: readonly User[]) => void,
  ) {}

  get snapshot(): MemberView {
    return this.view;
  }

  /** Starts over: somebody came or went. What is shown stays until the answer. */
  reload(): Promise<void> {
    this.generation += 1;
    return this.load(null, []);
  }

  more(): Promise<void> {
    if (this.view.loading) return Promise.resolve();
    if (this.view.failed && this.cursor === null) return this.reload();
    if (!this.view.hasMore) return Promise.resolve();
    return this.load(this.cursor, this.view.members);
  }

  private async load(cursor: string | null, before: readonly User[]): Promise<void> {
    const generation = this.generation;
    this.set({ ...this.view, loading: true, failed: false });
    try {
      const page = await this.api.members(this.roomId, cursor ?? undefined);
      if (generation !== this.generation) return;
      const known = new Set(before.map((user) => user.id));
      const members = [...before, ...page.members.filter((user) => !known.has(user.id))];
      this.cursor = page.nextCursor;
      this.told(page.members);
      this.set({ members, hasMore: page.nextCursor !== null, loading: false, failed: false });
    } catch {
      if (generation === this.generation) this.set({ ...this.view, loading: false, failed: true });
    }
  }

  private set(view: MemberView): void {
    this.view = view;
    this.changed(view.members);
  }
}
