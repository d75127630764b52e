// The server's clock as far as it matters here: when something ends that is
// true for a time only, on a computer whose own clock may be wrong.

import type { Environment } from "./environment.js";

export class ServerClock {
  private offsetMs = 0;

  constructor(private readonly env: Pick<Environment, "now">) {}

  /** `ts` of something that happened just now; a replay's would set the clock back. */
  observe(ts: string | undefined): void {
    const at = Date.parse(ts ?? "");
    if (Number.isFinite(at)) this.offsetMs = at - this.env.now();
  }

  now(): number {
    return this.env.now() + this.offsetMs;
  }

  /** Milliseconds until then; not a time at all is over. */
  until(time: string): number {
    const at = Date.parse(time);
    return Number.isFinite(at) ? at - this.now() : 0;
  }
}
