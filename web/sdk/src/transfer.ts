// Bodies that are no JSON: files on their way up and down, with the session's token.

import type { Environment } from "./environment.js";
import { unlessSilent, watched, type Watch } from "./silence.js";
import { ApiError, readProblem, unreachable, type HttpClient, type Problem } from "./http.js";
import type { TokenStore } from "./tokens.js";
import type { Attachment } from "./types.js";

/** A file on its way up is silent while the browser's own store of it drains, and while the server looks into it. */
const UPLOAD_SILENCE_MS = 120_000;
/** Files may lie further away than what is asked of the server alone. */
const LOAD_SILENCE_MS = 60_000;

export interface SendOptions {
  onProgress?: ((share: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

interface Exchange<T> {
  ask(headers: Record<string, string>, watch: Watch): Promise<Response>;
  read(answer: Response): Promise<T>;
}

export class Transfer {
  constructor(
    private readonly env: Pick<Environment, "apiUrl" | "fetch" | "upload" | "setTimeout" | "clearTimeout">,
    private readonly http: HttpClient,
    private readonly tokens: TokenStore,
  ) {}

  /** To be sent with a message afterwards. */
  uploadAttachment(file: Blob, name: string, options: SendOptions): Promise<Attachment> {
    return this.send("/attachments", "POST", file, name, options);
  }

  /** By the id and not by its address: the token is for the API alone. */
  loadAttachment(id: string, kind: "file" | "thumbnail", signal?: AbortSignal): Promise<Blob> {
    const path = `/attachments/${encodeURIComponent(id)}`;
    return this.load(kind === "thumbnail" ? `${path}/thumbnail` : path, signal);
  }

  /** One file, as the field `file`. Called off, it rejects with the signal's reason. */
  async send<T>(path: string, method: "POST" | "PUT", file: Blob, name: string, options: SendOptions = {}): Promise<T> {
    const body = new FormData();
    body.append("file", file, name);
    const url = this.env.apiUrl + path;
    return this.withToken(UPLOAD_SILENCE_MS, options.signal, {
      ask: (headers, { signal, moved }) => {
        const onProgress = (share: number) => {
          moved();
          options.onProgress?.(share);
        };
        return this.env.upload({ url, method, headers, body, onProgress, signal });
      },
      read: async (answer) => (answer.status === 204 ? undefined : await answer.json()) as T,
    });
  }

  /** What lies behind a path of the API. The token goes to no other host. */
  load(path: string, signal?: AbortSignal): Promise<Blob> {
    return this.withToken(LOAD_SILENCE_MS, signal, {
      ask: (headers, { signal }) => this.env.fetch(this.env.apiUrl + path, { headers, signal }),
      read: (answer) => answer.blob(),
    });
  }

  private async withToken<T>(silenceMs: number, signal: AbortSignal | undefined, { ask, read }: Exchange<T>): Promise<T> {
    const attempt = async (token: string): Promise<{ value: T } | Problem> => {
      try {
        return await unlessSilent(
          this.env,
          silenceMs,
          async (watch) => {
            const headers = { accept: "application/json, */*", authorization: `Bearer ${token}` };
            const answer = watched(await ask(headers, watch), watch.moved);
            return answer.ok ? { value: await read(answer) } : await readProblem(answer);
          },
          signal,
        );
      } catch {
        if (signal?.aborted) throw signal.reason;
        throw unreachable();
      }
    };
    const token = this.tokens.read()?.token ?? "";
    let answer = token ? await attempt(token) : null;
    if (!answer || ("status" in answer && answer.status === 401)) answer = await attempt(await this.http.refresh(token));
    if ("value" in answer) return answer.value;
    throw new ApiError(answer);
  }
}
