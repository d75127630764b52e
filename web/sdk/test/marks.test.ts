// The own marks, and how far own messages have come.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { deliveryOf } from "../src/receipts.js";
import { created, inRoom, ME, problem, ROOM, settled, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function inListedRoom(memberCount = 2, world = new World().loggedIn()) {
  world.routes.set("GET /rooms", () => [{ id: ROOM, name: "Alpha", isPrivate: false, head: 0, memberCount }]);
  world.routes.set(`GET /rooms/${ROOM}/receipts`, () => ({
    receipts: [
      { userId: ME.id, received: 9, read: 9 },
      { userId: "u-bob", received: 2, read: 1 },
    ],
    nextCursor: null,
  }));
  const setup = await inRoom(world);
  const sent = (t: string) => world.socket.all(t).map(({ d }) => d.seq);
  const unread = () => setup.client.roomStates.get(ROOM)!.unread;
  return { ...setup, sent, unread };
}

describe("the own mark", () => {
  it("follows what is before somebody's eyes, at most once a second, and only forward", async () => {
    const { world, client, sent, unread } = await inListedRoom();
    world.socket.says(created(1));
    expect(sent("mark.read")).toEqual([]);
    expect(unread()).toBe(1);
    client.reading(ROOM);
    expect(sent("mark.read")).toEqual([1]);
    expect(unread()).toBe(0);
    for (const seq of [2, 3, 4]) world.socket.says(created(seq));
    await vi.advanceTimersByTimeAsync(999);
    expect(sent("mark.read")).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent("mark.read")).toEqual([1, 4]);
    client.reading(ROOM);
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent("mark.read")).toEqual([1, 4]);
    expect(unread()).toBe(0);
  });

  it("stands still while nobody looks, and believes the server's count", async () => {
    const { world, client, sent, unread } = await inListedRoom();
    client.reading(ROOM);
    world.socket.says(created(1));
    client.reading(null);
    world.socket.says(created(2));
    world.socket.says(created(3));
    world.socket.acks("mark.read", { received: 1, read: 1, unread: 2, mentions: 1 });
    expect(client.roomStates.get(ROOM)).toMatchObject({ unread: 2, mentions: 1 });
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent("mark.read")).toEqual([1]);
    expect(unread()).toBe(2);
  });

  it("is moved again after a cut that took it along", async () => {
    const { world, client, sent } = await inListedRoom();
    client.reading(ROOM);
    world.socket.says(created(1));
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(3000);
    world.socket.ready();
    expect(sent("mark.read")).toEqual([1]);
    // What the heads say is older than the mark that is on its way.
    world.socket.says({ t: "heads", d: { rooms: [{ room: ROOM, head: 1, messages: 1, received: 0, read: 0, unread: 1, mentions: 0 }], more: false } });
    expect(client.roomStates.get(ROOM)!.unread).toBe(0);
  });

  it("waits as long as the server asks", async () => {
    const { world, client, sent } = await inListedRoom();
    client.reading(ROOM);
    world.socket.says(created(1));
    const { ref } = world.socket.last("mark.read");
    world.socket.says({ t: "error", ref, d: { code: "rateLimited", message: "", retryable: true, retryAfterMs: 4000 } });
    await vi.advanceTimersByTimeAsync(3999);
    expect(sent("mark.read")).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent("mark.read")).toEqual([1, 1]);
  });

  it("is moved over REST while there is no socket", async () => {
    const world = new World().loggedIn();
    const marks: unknown[] = [];
    world.routes.set(`PUT /rooms/${ROOM}/marks`, ({ body }) => (marks.push(body), { received: 2, read: 2, unread: 0, mentions: 0 }));
    const { client } = await inListedRoom(2, world);
    world.socket.says(created(1));
    world.routes.set("POST /ws/ticket", () => problem(503, "unavailable", { retryable: true }));
    world.socket.cut();
    client.reading(ROOM);
    await settled();
    expect(marks).toEqual([{ read: 1 }]);
  });

  it("says what was received unread, in small rooms only", async () => {
    const small = await inListedRoom(50);
    for (const seq of [1, 2, 3]) small.world.socket.says(created(seq));
    expect(small.sent("mark.received")).toEqual([1]);
    expect(small.world.socket.last("mark.received").ref).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1000);
    expect(small.sent("mark.received")).toEqual([1, 3]);

    const large = await inListedRoom(51);
    large.world.socket.says(created(1));
    expect(large.sent("mark.received")).toEqual([]);
  });

  it("is read alone when both would do, and not for an own message", async () => {
    const { world, client, sent } = await inListedRoom();
    client.reading(ROOM);
    world.socket.says(created(1));
    await vi.advanceTimersByTimeAsync(3000);
    expect([sent("mark.read"), sent("mark.received")]).toEqual([[1], []]);
    client.reading(null);
    world.socket.says(created(2, { userId: ME.id }));
    await vi.advanceTimersByTimeAsync(3000);
    expect(sent("mark.received")).toEqual([]);
  });

  it("is not spoken of to a server that has none", async () => {
    const { world, client } = await inListedRoom();
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.features = ["resume"];
    world.socket.ready();
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "uptodate", head: 0 } });
    client.reading(ROOM);
    world.socket.says(created(1));
    await vi.advanceTimersByTimeAsync(3000);
    expect(world.socket.all("mark.read")).toEqual([]);
    expect(world.socket.all("mark.received")).toEqual([]);
    expect(client.roomStates.get(ROOM)!.unread).toBe(0);
  });
});

describe("receipts", () => {
  const marks = (client: Awaited<ReturnType<typeof inListedRoom>>["client"]) =>
    Object.fromEntries([...(client.room(ROOM)!.receipts ?? [])].map(([id, mark]) => [id, [mark.received, mark.read]]));
  const asked = (world: World) => world.requests.filter((request) => request.endsWith("/receipts")).length;

  it("are read once when a small room is opened, and then kept by what the socket tells", async () => {
    const { world, client } = await inListedRoom();
    expect(marks(client)).toEqual({ [ME.id]: [9, 9], "u-bob": [2, 1] });
    world.socket.says({ t: "receipts", room: ROOM, d: { users: [{ userId: "u-bob", received: 4, read: 0 }] } });
    expect(marks(client)["u-bob"]).toEqual([4, 1]);
    client.closeRoom(ROOM);
    client.openRoom(ROOM);
    await settled();
    expect(asked(world)).toBe(1);
  });

  it("are read page by page", async () => {
    const world = new World().loggedIn();
    const setup = inListedRoom(3, world);
    world.routes.set(`GET /rooms/${ROOM}/receipts`, ({ path }) =>
      path.includes("cursor=c1")
        ? { receipts: [{ userId: "u-cy", received: 5, read: 5 }], nextCursor: null }
        : { receipts: [{ userId: "u-bob", received: 2, read: 1 }], nextCursor: "c1" },
    );
    expect(marks((await setup).client)).toEqual({ "u-bob": [2, 1], "u-cy": [5, 5] });
  });

  it("are read anew after a cut, because they are not replayed", async () => {
    const { world } = await inListedRoom();
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready();
    expect(asked(world)).toBe(1);
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "uptodate", head: 0 } });
    await settled();
    expect(asked(world)).toBe(2);
  });

  it("are not asked for in large rooms", async () => {
    const { world, client } = await inListedRoom(51);
    expect(asked(world)).toBe(0);
    expect(client.room(ROOM)!.receipts).toBeNull();
  });

  it("forget who has left", async () => {
    const { world, client } = await inListedRoom();
    world.socket.says({ t: "member.left", room: ROOM, seq: 1, d: { userId: "u-bob" } });
    expect(marks(client)).toEqual({ [ME.id]: [9, 9] });
  });
});

describe("the delivery of an own message", () => {
  const of = (seq: number, others: Record<string, [received: number, read: number]>, members: number) => {
    const receipts = new Map(Object.entries(others).map(([id, [received, read]]) => [id, { received, read }]));
    const { state, delivered, read } = deliveryOf(seq, receipts.set(ME.id, { received: 99, read: 99 }), ME.id, members);
    return [state, delivered, read];
  };

  it("in a room for two goes from sent to delivered to read", () => {
    expect(of(5, {}, 2)).toEqual(["sent", 0, 0]);
    expect(of(5, { bob: [4, 4] }, 2)).toEqual(["sent", 0, 0]);
    expect(of(5, { bob: [5, 4] }, 2)).toEqual(["delivered", 1, 0]);
    expect(of(5, { bob: [5, 5] }, 2)).toEqual(["read", 1, 1]);
    expect(of(5, { bob: [0, 6] }, 2)).toEqual(["read", 1, 1]);
  });

  it("in a small room is a count, and complete with the last of the others", () => {
    expect(of(5, { bob: [5, 5], cy: [5, 0] }, 4)).toEqual(["sent", 2, 1]);
    expect(of(5, { bob: [5, 5], cy: [5, 0], di: [7, 0] }, 4)).toEqual(["delivered", 3, 1]);
    expect(of(5, { bob: [5, 5], cy: [5, 9], di: [7, 5] }, 4)).toEqual(["read", 3, 3]);
  });

  it("to nobody is sent", () => expect(of(5, {}, 1)).toEqual(["sent", 0, 0]));
});
