// Exponential backoff with full jitter: anything between nothing and the
// ceiling, so that clients cut at the same moment do not return together.

export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
}

export class Backoff {
  private attempt = 0;

  constructor(
    private readonly random: () => number,
    private readonly options: BackoffOptions = { baseMs: 1_000, maxMs: 60_000 },
  ) {}

  get attempts(): number {
    return this.attempt;
  }

  next(): number {
    const ceiling = Math.min(this.options.maxMs, this.options.baseMs * 2 ** this.attempt);
    this.attempt += 1;
    return Math.round(this.random() * ceiling);
  }

  reset(): void {
    this.attempt = 0;
  }
}
