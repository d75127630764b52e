// Answers come in any order; the list goes by the order of the questions.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Api } from "../src/api.js";
import { HttpClient } from "../src/http.js";
import { RoomList } from "../src/roomlist.js";
import { TokenStore } from "../src/tokens.js";
import { ME, problem, settled, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const room = (id: string, more: object = {}) => ({ id, name: id, memberCount: 2, ...more });

/** A list that was read once; each further question is answered by hand, in any order. */
async function open() {
  const world = new World().loggedIn();
  const environment = world.environment();
  const list = new RoomList(environment, new Api(new HttpClient(environment, new TokenStore(environment))), {
    me: () => ME.id,
    isCurrent: () => true,
    listed: () => {},
    changed: () => {},
  });
  const questions: { path: string; answer(answer: object): void }[] = [];
  const byHand = (path: string) => world.routes.set(`GET ${path}`, () => new Promise<object>((answer) => questions.push({ path, answer })));
  world.routes.set("GET /rooms", () => [room("a"), room("b")]);
  await list.refresh();
  for (const path of ["/rooms", "/rooms/a", "/rooms/c"]) byHand(path);
  const answer = async (index: number, what: object) => {
    questions[index]!.answer(what);
    await settled();
  };
  return { list, questions, answer, ids: () => list.rooms!.map(({ id }) => id) };
}

describe("a list that is asked for while one", () => {
  it("leaves a room does not bring it back", async () => {
    const { list, questions, answer, ids } = await open();
    const refreshed = list.refresh();
    await settled();
    list.remove("a");
    await answer(0, [room("a"), room("b")]);
    expect(ids()).toEqual(["b"]);
    // What it tells of other rooms is not lost: it is asked for at once.
    expect(questions.map(({ path }) => path)).toEqual(["/rooms", "/rooms"]);
    await answer(1, [room("b"), room("d")]);
    await refreshed;
    expect(ids()).toEqual(["d", "b"]);
  });

  it("joins a room does not take it away", async () => {
    const { list, answer, ids } = await open();
    void list.refresh();
    void list.fetch("c");
    await settled();
    await answer(1, room("c"));
    await answer(0, [room("a"), room("b")]);
    expect(ids()).toEqual(["c", "a", "b"]);
  });

  it("chooses a setting does not undo it", async () => {
    const { list, answer, ids } = await open();
    void list.refresh();
    await settled();
    list.settingsChanged("b", { isFavourite: true } as never);
    await answer(0, [room("a"), room("b")]);
    expect(ids()).toEqual(["b", "a"]);
  });

  it("asks again is that of the later question", async () => {
    const { list, answer, ids } = await open();
    void list.refresh();
    void list.refresh();
    await settled();
    await answer(1, [room("a"), room("b"), room("d")]);
    await answer(0, [room("a")]);
    expect(ids()).toEqual(["d", "a", "b"]);
    void list.refresh();
    void list.refresh();
    await settled();
    await answer(3, [room("a")]);
    await answer(2, problem(503, "unavailable", { retryable: true }));
    expect(list.error).toBeNull();
  });
});

describe("one room", () => {
  it("that was asked for and then left does not come back", async () => {
    const { list, questions, answer, ids } = await open();
    void list.fetch("a");
    await settled();
    list.remove("a");
    await answer(0, room("a"));
    expect(ids()).toEqual(["b"]);
    await vi.advanceTimersByTimeAsync(300);
    expect(questions.at(-1)!.path).toBe("/rooms");
  });

  it("is no list", async () => {
    const { list, questions, answer } = await open();
    list.clear();
    void list.fetch("c");
    await settled();
    await answer(0, room("c"));
    expect(list.rooms).toBeNull();
    await vi.advanceTimersByTimeAsync(300);
    expect(questions.at(-1)!.path).toBe("/rooms");
  });
});
