// Bodies that are no JSON: files on their way up and down, with the session's token.

import type { Environment } from "./environment.js";
import { ApiError, readProblem, unreachable, type HttpClient } from "./http.js";
import type { TokenStore } from "./tokens.js";
import type { Attachment } from "./types.js";

export interface SendOptions {
  onProgress?: ((share: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export class Transfer {
  constructor(
    private readonly env: Pick<Environment, "apiUrl" | "fetch" | "upload">,
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
    const { onProgress, signal } = options;
    const body = new FormData();
    body.append("file", file, name);
    const url = this.env.apiUrl + path;
    const answer = await this.withToken(signal, (headers) =>
      this.env.upload({ url, method, headers, body, onProgress, signal }),
    );
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  /** What lies behind a path of the API. The token goes to no other host. */
  async load(path: string, signal?: AbortSignal): Promise<Blob> {
    const answer = await this.withToken(signal, (headers) =>
      this.env.fetch(this.env.apiUrl + path, { headers, ...(signal ? { signal } : {}) }),
    );
    return answer.blob();
  }

  private async withToken(
    signal: AbortSignal | undefined,
    ask: (headers: Record<string, string>) => Promise<Response>,
  ): Promise<Response> {
    const attempt = async (token: string) => {
      try {
        return await ask({ accept: "application/json, */*", authorization: `Bearer ${token}` });
      } catch {
        if (signal?.aborted) throw signal.reason;
        throw unreachable();
      }
    };
    const token = this.tokens.read()?.token ?? "";
    let answer = token ? await attempt(token) : null;
    if (!answer || answer.status === 401) answer = await attempt(await this.http.refresh(token));
    if (!answer.ok) throw new ApiError(await readProblem(answer));
    return answer;
  }
}
