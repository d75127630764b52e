// REST transport: bearer token, problem+json errors, and one refresh at a time
// over all requests and all tabs.

import { Silence, unlessSilent, watched } from "./silence.js";
import type { Environment } from "./environment.js";
import type { TokenStore } from "./tokens.js";

export interface FieldError {
  field: string;
  message: string;
}

export interface Problem {
  status: number;
  code: string;
  title: string;
  detail?: string | undefined;
  retryable: boolean;
  retryAfterMs?: number | undefined;
  errors?: FieldError[] | undefined;
}

/** A refusal by the server, or (`code: "network"`, status 0) no answer at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly errors: FieldError[];

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.retryable = problem.retryable;
    this.retryAfterMs = problem.retryAfterMs;
    this.errors = problem.errors ?? [];
  }
}

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  /** False for the routes that make a session. */
  authenticated?: boolean;
  /** Whether the cookie of the refresh token goes along, and may be set; no other request needs it. */
  cookie?: boolean;
  /** How long nothing at all may come back; by the method, where it is left out. */
  silenceMs?: number;
}

/** For what may be asked again. */
const SILENCE_MS = 20_000;
/** What a second time would do twice is given more: afterwards nobody knows whether it was done. */
const DEED_SILENCE_MS = 60_000;
/** Less than the server's grace time, in which the cookie of before still counts, where the new one is lost on its way. */
const REFRESH_SILENCE_MS = 10_000;
/** The person is gone from this page afterwards, whatever the network does. */
const LOGOUT_SILENCE_MS = 5_000;

type HttpEnvironment = Pick<Environment, "apiUrl" | "fetch" | "exclusive" | "setTimeout" | "clearTimeout">;

export class HttpClient {
  /** Called when the refresh token is refused: the session is over. */
  onSessionEnded: () => void = () => {};
  /** Called with each refusal, beside whoever asked. */
  onRefused: (error: ApiError) => void = () => {};
  private refreshing: Promise<string> | null = null;

  constructor(
    private readonly env: HttpEnvironment,
    private readonly tokens: TokenStore,
  ) {}

  async request<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const authenticated = options.authenticated ?? true;
    if (!authenticated) return this.exchange<T>(path, options, null);

    const session = this.tokens.read();
    if (!session) throw loggedOut();
    const token = session.token ?? (await this.refresh(""));
    try {
      return await this.exchange<T>(path, options, token);
    } catch (error) {
      // Another code on 401 is about what was asked, not about who asks.
      if (!(error instanceof ApiError) || error.code !== "unauthorized") throw error;
      const fresh = await this.refresh(token);
      return this.exchange<T>(path, options, fresh);
    }
  }

  /**
   * Replaces the access token `stale`. Callers that come while a refresh runs
   * share it; tabs refresh one after the other, each for itself.
   */
  refresh(stale: string): Promise<string> {
    this.refreshing ??= this.alone(() => this.refreshHoldingLock(stale)).finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  /**
   * Runs what changes the cookie, while no other tab does: or one of them could take the cookie of
   * somebody who has just logged in for that of who was.
   */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.env.exclusive("chat.refresh", task);
  }

  /** By the access token that there is, else by the cookie: nobody waits for a new token in order to leave. */
  async logout(): Promise<void> {
    const leave = (token: string | null) =>
      this.exchange<void>("/auth/logout", { method: "POST", cookie: true, silenceMs: LOGOUT_SILENCE_MS }, token);
    const token = this.tokens.read()?.token ?? null;
    try {
      await leave(token);
    } catch (error) {
      if (!token || !(error instanceof ApiError) || error.status !== 401) throw error;
      await leave(null);
    }
  }

  private async refreshHoldingLock(stale: string): Promise<string> {
    const session = this.tokens.read();
    if (!session) throw loggedOut();
    if (session.token !== null && session.token !== stale) return session.token;
    // The person may log out while the answer is on its way.
    const isStill = () => this.tokens.read()?.user.id === session.user.id;
    try {
      const { token } = await this.exchange<{ token: string }>(
        "/auth/refresh",
        { method: "POST", body: { refreshCookie: true }, cookie: true, silenceMs: REFRESH_SILENCE_MS },
        null,
      );
      if (!isStill()) throw loggedOut();
      this.tokens.hold(session.user, token);
      return token;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401 && isStill()) {
        this.tokens.clear();
        this.onSessionEnded();
      }
      throw error;
    }
  }

  private async exchange<T>(path: string, options: RequestOptions, token: string | null): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json", ...options.headers };
    const credentials = options.cookie ? "include" : "omit";
    const init: RequestInit = { method: options.method ?? "GET", headers, credentials };
    // Without it the cookie does not count: a page elsewhere cannot send it.
    if (options.cookie) headers["x-requested-with"] = "chat";
    if (options.body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(options.body);
    }
    if (token) headers["authorization"] = `Bearer ${token}`;

    const isDeed = options.method === "POST" && options.silenceMs === undefined;
    const silenceMs = options.silenceMs ?? (isDeed ? DEED_SILENCE_MS : SILENCE_MS);
    const url = this.env.apiUrl + path + queryString(options.query);
    const { status, problem, text } = await unlessSilent(this.env, silenceMs, async ({ signal, moved }) => {
      const response = watched(await this.env.fetch(url, { ...init, signal }), moved);
      if (!response.ok) return { status: response.status, problem: await readProblem(response), text: "" };
      return { status: response.status, problem: null, text: await response.text() };
    }).catch((error: unknown) => {
      throw isDeed && error instanceof Silence ? unanswered() : unreachable();
    });
    if (problem) {
      const error = new ApiError(problem);
      this.onRefused(error);
      throw error;
    }
    // Done, or taken to be done later, without a word.
    if (text === "" && status !== 200) return undefined as T;
    try {
      return JSON.parse(text) as T;
    } catch {
      // A captive portal or a proxy answered in the server's place.
      throw new ApiError({ status, code: "internal", title: "The answer was not understood.", retryable: true });
    }
  }
}

function queryString(query: RequestOptions["query"]): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) params.set(name, String(value));
  }
  const text = params.toString();
  return text && `?${text}`;
}

/** No answer at all. */
export function unreachable(): ApiError {
  return new ApiError({
    status: 0,
    code: "network",
    title: "The server cannot be reached. Check your connection and try again.",
    retryable: true,
  });
}

/** No answer to what a second time would do twice. */
function unanswered(): ApiError {
  return new ApiError({
    status: 0,
    code: "unanswered",
    title: "The server has not answered. Look whether it was done before you try again.",
    retryable: false,
  });
}

function loggedOut(): ApiError {
  return new ApiError({ status: 401, code: "unauthorized", title: "You are logged out.", retryable: false });
}

/** A proxy's own error page has no problem body: the status must then do. */
export async function readProblem(response: Response): Promise<Problem> {
  const { status } = response;
  let body: Partial<Problem> = {};
  try {
    const parsed: unknown = await response.json();
    if (parsed && typeof parsed === "object") body = parsed;
  } catch {
    // Not JSON; the defaults below hold.
  }
  return {
    status,
    code: body.code ?? codeOfStatus(status),
    title: body.title || `The server answered ${status}.`,
    detail: body.detail,
    retryable: body.retryable ?? (status === 429 || status >= 500),
    retryAfterMs: body.retryAfterMs ?? retryAfter(response.headers.get("retry-after")),
    errors: Array.isArray(body.errors) ? body.errors : undefined,
  };
}

function retryAfter(header: string | null): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function codeOfStatus(status: number): string {
  const codes: Record<number, string> = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "notFound",
    409: "conflict",
    413: "tooLarge",
    415: "unsupportedMedia",
    429: "rateLimited",
  };
  if (status === 502 || status === 503 || status === 504) return "unavailable";
  return codes[status] ?? "internal";
}
