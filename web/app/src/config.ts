// Where the API is. One build serves every environment, so the page asks for it when it starts: whoever serves
// the page serves `config.json` beside it. In the server's own build it is empty: everything is at one origin.

import type { Places } from "@chat/sdk";

/** `apiUrl` is an origin, `wsUrl` the address of the WebSocket; what is absent is found beside the page. */
interface Config {
  apiUrl?: unknown;
  wsUrl?: unknown;
}

/** Makes addresses of a configuration. One that cannot be used is a fault of whoever wrote it, and is told. */
export function placesOf(config: Config, origin: string): Places {
  const api = config.apiUrl === undefined ? new URL(origin) : address("apiUrl", config.apiUrl, /^https?:$/);
  if (api.pathname !== "/" || api.search || api.hash) throw new Error(`config.json: apiUrl: ${api.href} has a path`);
  const socket =
    config.wsUrl === undefined
      ? new URL("/ws", api.origin.replace(/^http/, "ws"))
      : address("wsUrl", config.wsUrl, /^wss?:$/);
  if (socket.pathname === "/") socket.pathname = "/ws";
  return { apiUrl: api.origin, socketUrl: socket.href };
}

function address(name: string, value: unknown, scheme: RegExp): URL {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : null;
  if (!url || !scheme.test(url.protocol)) throw new Error(`config.json: ${name}: ${JSON.stringify(value)} is no address`);
  return url;
}

/** Asks for the configuration. A server that has none is the API itself. */
export async function loadPlaces(
  load: (path: string) => Promise<Pick<Response, "ok" | "status" | "json">>,
  origin: string,
): Promise<Places> {
  const answer = await load("config.json");
  if (answer.status === 404) return placesOf({}, origin);
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  return placesOf((await answer.json()) as Config, origin);
}
