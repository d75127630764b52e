// What is asked for one after the other goes on when an answer never came, came
// too late, or could not be read.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Api } from "../src/api.js";
import { HttpClient } from "../src/http.js";
import { Quotes } from "../src/quotes.js";
import { Receipts } from "../src/receipts.js";
import { Strangers } from "../src/strangers.js";
import { Thread } from "../src/threads.js";
import { Timeline } from "../src/timeline.js";
import { TokenStore } from "../src/tokens.js";
import type { User } from "../src/types.js";
import { message, ROOM, settled, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const world = new World().loggedIn();
  const environment = world.environment();
  return { world, api: new Api(new HttpClient(environment, new TokenStore(environment))), timeline: new Timeline(ROOM) };
}
const never = () => new Promise<never>(() => {});
const unreadable = () => new Response("null");

describe("strangers", () => {
  function opened() {
    const { world } = open();
    const met: string[] = [];
    const ask = vi.fn<(userId: string) => Promise<User>>(async (id) => ({ id, username: id, email: "" }));
    const port = { onScreen: () => [], isKnown: (id: string) => met.includes(id), ask, met: (users: readonly User[]) => void met.push(...users.map(({ id }) => id)) };
    return { strangers: new Strangers(world.environment(), port), ask, met };
  }

  it("of the next session do not wait for an answer to the one before", async () => {
    const { strangers, ask, met } = opened();
    ask.mockImplementationOnce(never);
    strangers.look(["u-before"]);
    await vi.advanceTimersByTimeAsync(500);
    strangers.clear();
    strangers.look(["u-after"]);
    await vi.advanceTimersByTimeAsync(500);
    expect(met).toEqual(["u-after"]);
  });

  it("are asked for again after what nobody foresaw, the others first", async () => {
    const { strangers, ask, met } = opened();
    ask.mockRejectedValueOnce(new TypeError("unforeseen"));
    strangers.look(["u-1", "u-2"]);
    await expect(strangers["ask"]()).rejects.toThrow("unforeseen");
    strangers.look(["u-1"]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(met).toEqual(["u-2", "u-1"]);
  });
});

describe("quotes", () => {
  const answers = [{ replyTo: "m1" }];

  it("are asked for again after a reset, whatever becomes of the question before", async () => {
    const { world, api, timeline } = open();
    let answer!: (message: object) => void;
    world.routes.set("GET /messages/m1", () => new Promise<object>((resolve) => (answer = resolve)));
    const quotes = new Quotes(api, timeline, () => {});
    quotes.of(answers);
    await settled();
    quotes.reset();
    world.routes.set("GET /messages/m1", () => message(1, { content: "new" }));
    quotes.of(answers);
    await settled();
    answer(message(1, { content: "old", updatedAt: new Date(Date.UTC(2030, 0)).toISOString() }));
    await settled();
    expect(quotes.of(answers).get("m1")?.content).toBe("new");
  });

  it("are asked for again after an answer that cannot be read", async () => {
    const { world, api, timeline } = open();
    world.routes.set("GET /messages/m1", unreadable);
    const quotes = new Quotes(api, timeline, () => {});
    quotes["waiting"].add("m1");
    await expect(quotes["ask"]()).rejects.toThrow(TypeError);
    world.routes.set("GET /messages/m1", () => message(1));
    quotes.of(answers);
    await settled();
    expect(quotes.of(answers).get("m1")?.content).toBe("text 1");
  });
});

describe("a thread", () => {
  it("does not go on loading after an answer that cannot be read", async () => {
    const { world, api, timeline } = open();
    world.routes.set("GET /messages/m1/thread", unreadable);
    const thread = new Thread(api, timeline, "m1", () => {});
    await expect(thread.loadOlder()).rejects.toThrow(TypeError);
    world.routes.set("GET /messages/m1/thread", () => ({ root: message(1), messages: [], nextCursor: null }));
    await thread.loadOlder();
    expect(thread.view([], (root) => ({ key: root.id, kind: "message", message: root }))).toMatchObject({ loading: false, root: { id: "m1" } });
  });
});

describe("receipts", () => {
  it("are asked for again after a reset, and an answer from before it is none", async () => {
    const { world, api } = open();
    let answer!: (page: object) => void;
    const page = (read: number) => ({ receipts: [{ userId: "u-bob", received: read, read }], nextCursor: null });
    world.routes.set(`GET /rooms/${ROOM}/receipts`, () => new Promise<object>((resolve) => (answer = resolve)));
    const receipts = new Receipts(api, ROOM, () => {});
    const before = receipts.load();
    await settled();
    receipts.reset();
    world.routes.set(`GET /rooms/${ROOM}/receipts`, () => page(1));
    expect(await receipts.load()).toBe(true);
    answer(page(90));
    expect(await before).toBe(false);
    expect(receipts.snapshot?.get("u-bob")?.read).toBe(1);
  });
});
