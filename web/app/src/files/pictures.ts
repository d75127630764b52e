// Pictures in memory, each fetched once however often it is shown.

interface Held {
  users: number;
  abort: AbortController;
  url: Promise<string>;
}

const held = new Map<string, Held>();
/** A picture that scrolls out of sight and back is not fetched twice. */
const LINGER_MS = 30_000;

export function acquire(key: string, load: (signal: AbortSignal) => Promise<Blob>): Held {
  let entry = held.get(key);
  if (!entry) {
    const abort = new AbortController();
    entry = { users: 0, abort, url: load(abort.signal).then((blob) => URL.createObjectURL(blob)) };
    held.set(key, entry);
    // Whoever waits is told; the next one tries again.
    entry.url.catch(() => held.delete(key));
  }
  entry.users += 1;
  return entry;
}

/** Its address is revoked a while after the last one let go. */
export function release(key: string, entry: Held): void {
  entry.users -= 1;
  setTimeout(() => {
    if (entry.users > 0) return;
    if (held.get(key) === entry) held.delete(key);
    entry.abort.abort();
    entry.url.then((url) => URL.revokeObjectURL(url)).catch(() => {});
  }, LINGER_MS);
}

/** Somebody else may sit down at this page now. */
export function forgetPictures(): void {
  held.clear();
}
