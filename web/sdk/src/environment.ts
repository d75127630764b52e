// Everything the SDK takes from the outside world, in one injectable object:
// tests replace it whole and then need neither a network nor real time.

export interface SocketLike {
  readonly readyState: number;
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** The part of `localStorage` that is used. */
export interface StorageLike {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export type Timer = ReturnType<typeof setTimeout>;

/** Where the server is. */
export interface Places {
  /** Origin of the REST interface, without a trailing slash. */
  readonly apiUrl: string;
  readonly socketUrl: string;
}

/** A body that goes out bit by bit: `fetch` cannot tell how far it has come. */
export interface Upload {
  url: string;
  method: "POST" | "PUT";
  headers: Record<string, string>;
  body: FormData;
  /** From 0 to 1. */
  onProgress?: ((share: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Environment extends Places {
  fetch(input: string, init: RequestInit): Promise<Response>;
  /** Rejects as `fetch` does: no answer, or called off. */
  upload(upload: Upload): Promise<Response>;
  openSocket(url: string, protocols: string[]): SocketLike;
  readonly storage: StorageLike;
  now(): number;
  random(): number;
  uuid(): string;
  setTimeout(callback: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Runs `task` while no other tab runs one under the same name. */
  exclusive<T>(name: string, task: () => Promise<T>): Promise<T>;
  /** Calls back when the network or the page returns; gives the way to stop. */
  onWake(callback: () => void): () => void;
  /** Calls back when another tab changed a stored key (null: all of them). */
  onStorage(callback: (key: string | null) => void): () => void;
}

/** Gives the way to call it off. */
export function later(env: Pick<Environment, "setTimeout" | "clearTimeout">, delayMs: number, action: () => void): () => void {
  const timer = env.setTimeout(action, delayMs);
  return () => env.clearTimeout(timer);
}

export function browserEnvironment({ apiUrl, socketUrl }: Places): Environment {
  return {
    apiUrl,
    socketUrl,
    fetch: (input, init) => fetch(input, init),
    upload: uploadByRequest,
    openSocket: (url, protocols) => new WebSocket(url, protocols) as SocketLike,
    storage: browserStorage(),
    now: () => Date.now(),
    random: () => Math.random(),
    uuid: randomUuid,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (timer) => clearTimeout(timer),
    exclusive: (name, task) => {
      // Web Locks exist in secure contexts only. Without them two tabs may
      // refresh at the same moment, which the server's grace time allows for.
      if (typeof navigator !== "undefined" && navigator.locks) {
        return navigator.locks.request(name, task) as ReturnType<typeof task>;
      }
      return task();
    },
    onWake: (callback) => {
      const visible = () => {
        if (document.visibilityState === "visible") callback();
      };
      window.addEventListener("online", callback);
      window.addEventListener("pageshow", callback);
      document.addEventListener("visibilitychange", visible);
      return () => {
        window.removeEventListener("online", callback);
        window.removeEventListener("pageshow", callback);
        document.removeEventListener("visibilitychange", visible);
      };
    },
    onStorage: (callback) => {
      const changed = (event: StorageEvent) => callback(event.key);
      window.addEventListener("storage", changed);
      return () => window.removeEventListener("storage", changed);
    },
  };
}

function uploadByRequest({ url, method, headers, body, onProgress, signal }: Upload): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const { status, responseText } = request;
      const answered = new Headers();
      for (const name of ["content-type", "retry-after"]) {
        const value = request.getResponseHeader(name);
        if (value !== null) answered.set(name, value);
      }
      // The constructor refuses a body where there can be none.
      resolve(new Response(status === 204 ? null : responseText, { status, headers: answered }));
    };
    request.onerror = () => reject(new TypeError("The upload did not get through."));
    request.onabort = () => reject(signal?.reason ?? new DOMException("The upload was called off.", "AbortError"));
    request.onloadend = () => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort);
    request.send(body);
  });
}

/** `crypto.randomUUID` is missing on plain-http origins other than localhost. */
function randomUuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Falls back to memory where the browser refuses storage, so that chatting still works. */
function browserStorage(): StorageLike {
  try {
    const probe = "chat.probe";
    localStorage.setItem(probe, "1");
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return memoryStorage();
  }
}

export function memoryStorage(): StorageLike {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
