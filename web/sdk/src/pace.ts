// Who listens is told of the first event at once, and of those that follow on
// its heels together: a view is made for the eye, not for each event.

import type { Environment } from "./environment.js";

/** About a frame of a screen. Not the screen's own frames: a hidden page has none. */
const FRAME_MS = 16;

export class Pace {
  /** What was told within this frame, and whether it has changed since. */
  private readonly told = new Map<string, boolean>();

  constructor(
    private readonly env: Pick<Environment, "setTimeout">,
    private readonly tell: (what: string) => void,
  ) {}

  changed(what: string): void {
    if (this.told.has(what)) return void this.told.set(what, true);
    this.told.set(what, false);
    this.env.setTimeout(() => {
      const again = this.told.get(what);
      this.told.delete(what);
      if (again) this.changed(what);
    }, FRAME_MS);
    this.tell(what);
  }
}
