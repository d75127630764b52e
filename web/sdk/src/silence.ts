// A bound on silence. A network may take a request and never answer it; but
// what moves, however slowly, is not cut off.

import type { Environment, Timer } from "./environment.js";

/** Nothing moved for too long. */
export class Silence extends Error {}

export type SilenceEnvironment = Pick<Environment, "setTimeout" | "clearTimeout">;

export interface Watch {
  /** Aborted when it has been silent for too long, or is called off. */
  readonly signal: AbortSignal;
  /** Something moved: the time begins anew. */
  moved(): void;
}

/** Fails once nothing has moved for so long, or once `outer` is aborted. */
export async function unlessSilent<T>(
  env: SilenceEnvironment,
  silenceMs: number,
  task: (watch: Watch) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const over = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  let timer: Timer | null = null;
  const stopTimer = () => {
    if (timer) env.clearTimeout(timer);
  };
  const moved = () => {
    stopTimer();
    timer = env.setTimeout(() => controller.abort(new Silence("Nothing has moved for too long.")), silenceMs);
  };
  const callOff = () => controller.abort(outer?.reason);
  outer?.addEventListener("abort", callOff);
  moved();
  if (outer?.aborted) callOff();
  try {
    // Not the task alone: whoever is asked need not heed the signal.
    return await Promise.race([task({ signal, moved }), over]);
  } finally {
    stopTimer();
    outer?.removeEventListener("abort", callOff);
  }
}

/** Answers that have no body. */
const BODILESS = new Set([204, 205, 304]);

/** The same answer, which tells of each piece of its body. */
export function watched(response: Response, moved: () => void): Response {
  moved();
  // Chromium gives one without a body an empty one, and takes no other with any.
  if (!response.body || BODILESS.has(response.status)) return response;
  const watcher = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (piece, passed) => {
      moved();
      passed.enqueue(piece);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(watcher), { status, statusText, headers });
}
