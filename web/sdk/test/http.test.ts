import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Api } from "../src/api.js";
import { ApiError, HttpClient } from "../src/http.js";
import { TokenStore } from "../src/tokens.js";
import { type Asked, ME, problem, World } from "./support.js";

function open(world = new World().loggedIn()) {
  const tokens = new TokenStore(world.environment());
  const http = new HttpClient(world.environment(), tokens);
  const ended = vi.fn();
  http.onSessionEnded = ended;
  return { world, tokens, http, api: new Api(http), ended };
}

/** The same, with an access token that is over. */
function expired() {
  const opened = open();
  opened.tokens.hold(ME, "access-1");
  return opened;
}

/** A server that gives a new token to who has the cookie, and accepts no other. */
function rotating(world: World) {
  let given = 1;
  const refresh = vi.fn(({ cookie }: Asked) =>
    cookie ? { token: `access-${(given += 1)}` } : problem(401, "unauthorized"),
  );
  world.routes.set("POST /auth/refresh", refresh);
  const isGood = (token: string | null) => given > 1 && token === `access-${given}`;
  world.routes.set("GET /rooms", ({ token }) => (isGood(token) ? [] : problem(401, "unauthorized")));
  return refresh;
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  return promise.then(
    () => expect.unreachable("it should have been refused"),
    (error: unknown) => error as ApiError,
  );
}

describe("a page that was loaded", () => {
  it("gets its access token by the cookie, once for all requests", async () => {
    const { world, api, tokens } = open();
    const refresh = rotating(world);
    await Promise.all([api.rooms(), api.rooms(), api.rooms()]);
    expect(refresh).toHaveBeenCalledOnce();
    expect(tokens.read()).toEqual({ user: ME, token: "access-2" });
  });

  it("keeps no token where a script of another page load could find it", async () => {
    const { world, api } = open();
    rotating(world);
    await api.rooms();
    expect(Array.from({ length: world.storage.length }, (_, n) => world.storage.getItem(world.storage.key(n)!))).toEqual([
      JSON.stringify({ user: ME }),
    ]);
  });

  it("removes tokens that pages of before left", () => {
    const world = new World();
    world.storage.setItem("chat.session", JSON.stringify({ user: ME, token: "old", refreshToken: "older" }));
    expect(open(world).tokens.read()).toEqual({ user: ME, token: null });
    expect(world.storage.getItem("chat.session")).toBe(JSON.stringify({ user: ME }));
  });

  it("sends the cookie with nothing but what is about it", async () => {
    const { world, api } = open();
    rotating(world);
    const rooms = vi.fn(({ cookie }: Asked) => (cookie ? problem(400, "badRequest") : []));
    world.routes.set("GET /rooms", rooms);
    await api.rooms();
    expect(rooms).toHaveBeenCalledOnce();
  });
});

describe("an expired access token", () => {
  it("is refreshed once for all requests that meet it", async () => {
    const { world, api, tokens } = expired();
    const refresh = rotating(world);
    await Promise.all([api.rooms(), api.rooms(), api.rooms()]);
    expect(refresh).toHaveBeenCalledOnce();
    expect(tokens.read()?.token).toBe("access-2");
  });

  it("is refreshed by two tabs one after the other", async () => {
    const world = new World().loggedIn();
    const environment = world.environment();
    let running = 0;
    world.routes.set("POST /auth/refresh", async () => {
      expect((running += 1)).toBe(1);
      await Promise.resolve();
      running -= 1;
      return { token: "access-2" };
    });
    const tab = () => new Api(new HttpClient(environment, new TokenStore(environment)));
    await Promise.all([tab().rooms(), tab().rooms()]);
    expect(world.requests.filter((request) => request === "POST /auth/refresh")).toHaveLength(2);
  });

  it("ends the session when the cookie is refused", async () => {
    const { world, api, tokens, ended } = expired();
    rotating(world);
    world.routes.set("POST /auth/refresh", () => problem(401, "unauthorized"));
    expect((await failure(api.rooms())).status).toBe(401);
    expect(ended).toHaveBeenCalledOnce();
    expect(tokens.read()).toBeNull();
  });

  it("does not end the session when the refresh does not get through", async () => {
    const { world, api, tokens, ended } = expired();
    rotating(world);
    world.routes.set("POST /auth/refresh", () => problem(503, "unavailable", { retryable: true }));
    expect((await failure(api.rooms())).retryable).toBe(true);
    expect(ended).not.toHaveBeenCalled();
    expect(tokens.read()?.token).toBe("access-1");
  });

  it("does not log back in somebody who logged out during the refresh", async () => {
    const { world, api, tokens, ended } = expired();
    rotating(world);
    world.routes.set("POST /auth/refresh", () => {
      tokens.clear();
      return { token: "access-2" };
    });
    await failure(api.rooms());
    expect(tokens.read()).toBeNull();
    expect(ended).not.toHaveBeenCalled();
  });

  it("is not replaced by that of somebody who logged in in another tab meanwhile", async () => {
    const { world, api, tokens, ended } = expired();
    rotating(world);
    const bob = { ...ME, id: "u-bob" };
    world.routes.set("POST /auth/refresh", () => {
      world.storage.setItem("chat.session", JSON.stringify({ user: bob }));
      return { token: "of bob" };
    });
    await failure(api.rooms());
    expect(tokens.read()).toEqual({ user: bob, token: null });
    expect(ended).not.toHaveBeenCalled();
  });
});

describe("an error", () => {
  it("carries the problem's code, fields and delay", async () => {
    const { world, http } = open();
    world.routes.set("POST /rooms", () =>
      problem(400, "badRequest", { detail: "The name is too long.", errors: [{ field: "name", message: "too long" }] }),
    );
    const error = await failure(http.request("/rooms", { method: "POST", body: { name: "x" } }));
    expect(error).toMatchObject({ code: "badRequest", status: 400, message: "The name is too long." });
    expect(error.errors).toEqual([{ field: "name", message: "too long" }]);
  });

  it("takes Retry-After and the status where a proxy answers without a problem", async () => {
    const { world, api } = open();
    world.routes.set("GET /rooms", () => new Response("<h1>busy</h1>", { status: 503, headers: { "retry-after": "3" } }));
    expect(await failure(api.rooms())).toMatchObject({ code: "unavailable", retryable: true, retryAfterMs: 3000 });
  });

  it("of the network says so", async () => {
    const { world, api } = open();
    world.routes.set("GET /rooms", () => Promise.reject(new TypeError("failed")));
    expect(await failure(api.rooms())).toMatchObject({ code: "network", status: 0, retryable: true });
  });

  it("of a connection that is lost within an answer is one of the network", async () => {
    const { world, api } = open();
    const cut = new ReadableStream({ pull: (body) => body.error(new TypeError("network error")) });
    world.routes.set("GET /rooms", () => new Response(cut));
    expect(await failure(api.rooms())).toMatchObject({ code: "network", status: 0, retryable: true });
  });

  it("about what was asked, with 401 and a code of its own, is not tried again with new tokens", async () => {
    const { world, http } = open();
    rotating(world);
    world.routes.set("DELETE /users/me/second-factor", () => problem(401, "secondFactorInvalid"));
    expect(await failure(http.request("/users/me/second-factor", { method: "DELETE" }))).toMatchObject({ code: "secondFactorInvalid" });
    expect(world.requests.filter((request) => request.startsWith("DELETE"))).toHaveLength(1);
  });

  it("is told to whoever wants to know all of them", async () => {
    const { world, http, api } = open();
    http.onRefused = vi.fn();
    world.routes.set("GET /rooms", () => problem(403, "emailNotVerified"));
    await failure(api.rooms());
    expect(http.onRefused).toHaveBeenCalledWith(expect.objectContaining({ code: "emailNotVerified" }));
  });

  it("on wrong login data asks for no refresh", async () => {
    const { world, api } = open();
    world.routes.set("POST /auth/login", () => problem(401, "unauthorized"));
    await failure(api.login("a@example.com", "wrong"));
    expect(world.requests).toEqual(["POST /auth/login"]);
  });
});

describe("a network that takes a request and never answers", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const never = () => new Promise<Response>(() => {});

  it("is no network after 20 seconds, and the request is called off", async () => {
    const { world, tokens } = expired();
    const fetch = vi.fn((_: string, __: RequestInit) => never());
    const error = failure(new Api(new HttpClient({ ...world.environment(), fetch }, tokens)).rooms());
    await vi.advanceTimersByTimeAsync(19_999);
    expect(fetch.mock.lastCall![1].signal!.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await error).toMatchObject({ code: "network", status: 0, retryable: true });
    expect(fetch.mock.lastCall![1].signal!.aborted).toBe(true);
  });

  it("is waited for longer where a second time would do it twice, and then nobody knows whether it was done", async () => {
    const { world, http } = expired();
    world.routes.set("POST /rooms", never);
    const error = failure(http.request("/rooms", { method: "POST", body: { name: "x" } }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await error).toMatchObject({ code: "unanswered", status: 0, retryable: false });
  });

  it("in the middle of an answer is none either", async () => {
    const { world, api } = expired();
    world.routes.set("GET /rooms", () => new Response(pieces(["[", null])));
    const error = failure(api.rooms());
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await error).toMatchObject({ code: "network" });
  });

  it("is another than a slow one: what moves is not cut off", async () => {
    const { world, api } = expired();
    world.routes.set("GET /rooms", () => new Response(pieces(["[", " ", " ", "]"], 15_000)));
    const rooms = api.rooms();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await rooms).toEqual([]);
  });

  it("keeps no other tab from getting a token", async () => {
    const { world, tokens } = open();
    const environment = world.environment();
    world.routes.set("POST /auth/refresh", never);
    const first = failure(new HttpClient(environment, tokens).refresh(""));
    const second = new HttpClient(environment, new TokenStore(environment)).refresh("");
    await vi.advanceTimersByTimeAsync(0);
    world.routes.set("POST /auth/refresh", () => ({ token: "access-2" }));
    // Sooner than the server's grace time for the cookie of before is over.
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await first).toMatchObject({ code: "network" });
    expect(await second).toBe("access-2");
  });
});

/** A body that comes piece by piece; null is where nothing comes any more. */
function pieces(all: (string | null)[], pauseMs = 0): ReadableStream {
  return new ReadableStream({
    pull: async (body) => {
      const piece = all.shift();
      if (piece === undefined) return body.close();
      if (piece === null) return new Promise(() => {});
      if (pauseMs > 0) await new Promise((passed) => setTimeout(passed, pauseMs));
      body.enqueue(new TextEncoder().encode(piece));
    },
  });
}

describe("leaving", () => {
  it("needs no new token: by the one there is, else by the cookie", async () => {
    const { world, api, tokens } = open();
    const leave = vi.fn(({ token, cookie }: Asked) =>
      cookie && token === null ? new Response(null, { status: 204 }) : problem(401, "unauthorized"),
    );
    world.routes.set("POST /auth/logout", leave);
    await api.logout();
    expect(leave).toHaveBeenCalledOnce();
    tokens.hold(ME, "stale");
    await api.logout();
    expect(leave.mock.calls.map(([{ token }]) => token)).toEqual([null, "stale", null]);
    expect(world.requests).not.toContain("POST /auth/refresh");
  });
});

describe("an answer without a word", () => {
  it.each([204, 205])("may have an empty body, as Chromium gives it: %i", async (status) => {
    const { world, http } = open();
    const body = new ReadableStream({ start: (end) => end.close() });
    world.routes.set("POST /nothing", () => Object.defineProperty(new Response(null, { status }), "body", { value: body }));
    expect(await http.request("/nothing", { method: "POST" })).toBeUndefined();
  });

  it("is one when it is done, or will be", async () => {
    const { world, http } = open();
    for (const status of [201, 202, 204]) {
      world.routes.set("POST /it", () => new Response(null, { status }));
      expect(await http.request("/it", { method: "POST" })).toBeUndefined();
    }
  });

  it("is none where something was asked for", async () => {
    const { world, api } = open();
    world.routes.set("GET /rooms", () => new Response("", { status: 200 }));
    expect(await failure(api.rooms())).toMatchObject({ code: "internal", retryable: true });
  });
});
