// Typing and presence: told now and then, never stored, over by themselves; and who somebody is.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { created, inRoom, ME, message, problem, ROOM, settled, World } from "./support.js";

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime("2026-05-01T12:00:00.000Z");
});
afterEach(() => void vi.useRealTimers());

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const typing = (until: string, userId = "u-bob", more = {}) => ({ t: "typing", room: ROOM, d: { userId, until }, ...more });

describe("others who write", () => {
  it("are shown until they stop, or until it ends by itself", async () => {
    const { world, client } = await inRoom();
    world.socket.says(typing(inMs(4000)));
    world.socket.says(typing(inMs(6000), "u-cy"));
    expect(client.typingUsers(ROOM)).toEqual(["u-bob", "u-cy"]);
    await vi.advanceTimersByTimeAsync(3999);
    expect(client.typingUsers(ROOM)).toEqual(["u-bob", "u-cy"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(client.typingUsers(ROOM)).toEqual(["u-cy"]);
    world.socket.says(typing(inMs(0), "u-cy"));
    expect(client.typingUsers(ROOM)).toEqual([]);
  });

  it("go on without a flicker when they are told of again", async () => {
    const { world, client } = await inRoom();
    world.socket.says(typing(inMs(6000)));
    const seen: number[] = [];
    client.on(`typing:${ROOM}`, () => void seen.push(client.typingUsers(ROOM).length));
    await vi.advanceTimersByTimeAsync(3000);
    world.socket.says(typing(inMs(6000)));
    await vi.advanceTimersByTimeAsync(5999);
    expect(seen).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toEqual([0]);
  });

  it("have written when their message is there", async () => {
    const { world, client } = await inRoom();
    world.socket.says(typing(inMs(6000)));
    world.socket.says(created(1));
    expect(client.typingUsers(ROOM)).toEqual([]);
  });

  it("are shown six seconds at most, and never oneself", async () => {
    const { world, client } = await inRoom();
    world.socket.says(typing(inMs(60_000)));
    world.socket.says(typing(inMs(6000), ME.id));
    expect(client.typingUsers(ROOM)).toEqual(["u-bob"]);
    await vi.advanceTimersByTimeAsync(6000);
    expect(client.typingUsers(ROOM)).toEqual([]);
  });

  it("are timed by the server's clock, which a live event tells and a replay does not", async () => {
    const { world, client } = await inRoom();
    const server = (ms: number) => inMs(ms + 3_600_000);
    world.socket.says({ ...created(1), ts: server(0) });
    world.socket.says(typing(server(2000)));
    await vi.advanceTimersByTimeAsync(1999);
    expect(client.typingUsers(ROOM)).toEqual(["u-bob"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(client.typingUsers(ROOM)).toEqual([]);

    world.socket.joined(ROOM, 2, { mode: "replay", from: 2, to: 2 });
    world.socket.says({ ...created(2), ts: server(-7_200_000) });
    world.socket.says(typing(server(-1)));
    expect(client.typingUsers(ROOM)).toEqual([]);
    // The frame's own time is the best there is.
    world.socket.says(typing(inMs(-500_000 + 1000), "u-bob", { ts: inMs(-500_000) }));
    expect(client.typingUsers(ROOM)).toEqual(["u-bob"]);
  });

  it("are timed from the first frame on, where the server tells its time in it", async () => {
    const { world, client } = await inRoom();
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1_000);
    world.socket.now = inMs(-3_600_000);
    world.socket.ready();
    expect(client.people.clock.now()).toBe(Date.now() - 3_600_000);
    expect(client.people.clock.until(inMs(-3_599_000))).toBe(1_000);
  });

  it("stay while the client moves to another server", async () => {
    const { world, client } = await inRoom();
    world.socket.says(typing(inMs(6000)));
    world.socket.says({ t: "server.draining", d: { delayMs: 10 } });
    await vi.advanceTimersByTimeAsync(10);
    world.socket.ready();
    world.socket.resumed();
    expect(world.sockets[0]!.closedWith).toBe(1000);
    expect(client.typingUsers(ROOM)).toEqual(["u-bob"]);
  });
});

describe("oneself, writing", () => {
  const told = (world: World) => world.sockets.flatMap((socket) => socket.sent.map((f) => f.t).filter((t) => t.startsWith("typing")));

  it("is told at most each three seconds, and its end when it is sent, emptied or left", async () => {
    const { world, client } = await inRoom();
    client.composing(ROOM, "h");
    client.composing(ROOM, "he");
    await vi.advanceTimersByTimeAsync(2999);
    client.composing(ROOM, "hel");
    expect(told(world)).toEqual(["typing.start"]);
    expect(world.socket.last("typing.start")).toEqual({ t: "typing.start", room: ROOM });
    await vi.advanceTimersByTimeAsync(1);
    client.composing(ROOM, "hell");
    client.messages.send(ROOM, "hello");
    expect(told(world)).toEqual(["typing.start", "typing.start", "typing.stop"]);
    client.composing(ROOM, "");
    client.stoppedComposing(ROOM);
    expect(told(world)).toHaveLength(3);

    await vi.advanceTimersByTimeAsync(3000);
    client.composing(ROOM, "a");
    client.composing(ROOM, " ");
    await vi.advanceTimersByTimeAsync(3000);
    client.composing(ROOM, "b");
    client.closeRoom(ROOM);
    expect(told(world).slice(3)).toEqual(["typing.start", "typing.stop", "typing.start", "typing.stop"]);
  });

  it("is not stopped after it has ended by itself", async () => {
    const { world, client } = await inRoom();
    client.composing(ROOM, "h");
    await vi.advanceTimersByTimeAsync(6000);
    client.stoppedComposing(ROOM);
    expect(told(world)).toEqual(["typing.start"]);
  });

  it("is told at once on the next socket, and not at all to a server without typing", async () => {
    const { world, client } = await inRoom();
    client.composing(ROOM, "h");
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready();
    client.composing(ROOM, "he");
    expect(world.socket.all("typing.start")).toHaveLength(1);
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(2000);
    world.socket.features = ["resume"];
    world.socket.ready();
    client.composing(ROOM, "hel");
    expect(world.socket.all("typing.start")).toEqual([]);
  });
});

const person = (id: string) => ({ id, username: id, email: `${id}@users.invalid` });

async function amongPeople(count = 2) {
  const world = new World().loggedIn();
  const members = [ME, ...Array.from({ length: count - 1 }, (_, index) => person(`u-${index + 1}`))];
  world.routes.set(`GET /rooms/${ROOM}/members`, () => ({ members, nextCursor: null }));
  const setup = await inRoom(world);
  await vi.advanceTimersByTimeAsync(300);
  const watched = () => world.socket.all("presence.watch").map(({ d }) => d.users);
  return { ...setup, watched };
}

describe("presence", () => {
  it("is watched for the members and authors on screen, in one list", async () => {
    const { world, watched } = await amongPeople(3);
    expect(watched().at(-1)).toEqual(["u-1", "u-2"]);
    const before = watched().length;
    for (let seq = 1; seq <= 5; seq += 1) world.socket.says(created(seq, { userId: `author-${seq}` }));
    await vi.advanceTimersByTimeAsync(300);
    expect(watched().slice(before)).toEqual([["u-1", "u-2", ...[1, 2, 3, 4, 5].map((n) => `author-${n}`)]]);
    world.socket.says(created(6, { userId: "author-1" }));
    await vi.advanceTimersByTimeAsync(300);
    expect(watched()).toHaveLength(before + 1);
  });

  it("is watched for the other one of each room for two", async () => {
    const { world, client, watched } = await amongPeople(2);
    const two = { id: "room-2", name: "Two", isPrivate: true, memberCount: 2, members: [ME, person("u-other")] };
    const many = { id: "room-3", name: "Many", isPrivate: true, memberCount: 3, members: [ME, person("u-x"), person("u-y")] };
    world.routes.set("GET /rooms", () => [two, many]);
    await client.refreshRooms();
    await vi.advanceTimersByTimeAsync(300);
    expect(watched().at(-1)).toEqual(["u-1", "u-other"]);
  });

  it("is watched for 200 people at most", async () => {
    const { watched } = await amongPeople(300);
    expect(watched().at(-1)).toHaveLength(200);
  });

  it("keeps what it knows over cuts and moves, and watches again on each socket", async () => {
    const { world, client, watched } = await amongPeople(2);
    world.socket.says({ t: "presence", d: { users: [{ userId: "u-1", isOnline: true, lastSeen: "2026-05-01T11:59:00.000Z" }] } });
    const seen: boolean[] = [];
    client.on("presence", () => void seen.push(client.presence.get("u-1")!.isOnline));
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready();
    expect(watched()).toEqual([["u-1"]]);
    world.socket.says({ t: "server.draining", d: { delayMs: 10 } });
    await vi.advanceTimersByTimeAsync(10);
    world.socket.ready();
    expect(watched()).toEqual([]);
    world.socket.resumed();
    expect(watched()).toEqual([["u-1"]]);
    expect(client.presence.get("u-1")).toEqual({ isOnline: true, lastSeen: "2026-05-01T11:59:00.000Z" });
    expect(seen).toEqual([]);
    world.socket.says({ t: "presence", d: { users: [{ userId: "u-1", isOnline: false }] } });
    expect(client.presence.get("u-1")).toEqual({ isOnline: false, lastSeen: null });
  });

  it("is asked for again when the server says later, and never of a server without it", async () => {
    const { world, watched } = await amongPeople(2);
    const before = watched().length;
    const { ref } = world.socket.last("presence.watch");
    world.socket.says({ t: "error", ref, d: { code: "rateLimited", message: "", retryable: true, retryAfterMs: 4000 } });
    await vi.advanceTimersByTimeAsync(4000);
    expect(watched()).toHaveLength(before + 1);
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.features = ["resume"];
    world.socket.ready();
    await vi.advanceTimersByTimeAsync(1000);
    expect(watched()).toEqual([]);
    await settled();
  });
});

describe("authors whom no list of members names", () => {
  const gone = (id: string) => ({ id, username: `name-${id}`, email: `${id}@users.invalid` });
  const lookups = (world: World) => world.requests.filter((key) => key.startsWith("GET /users/u-"));

  it("are asked for once each, when the members have come", async () => {
    const { world, client } = await inRoom();
    world.routes.set("GET /users/u-gone", () => gone("u-gone"));
    for (let seq = 1; seq <= 3; seq += 1) world.socket.says(created(seq, { userId: "u-gone" }));
    world.socket.says(created(4, { userId: "u-nobody" }));
    expect(lookups(world)).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(client.knownUsers.get("u-gone")?.username).toBe("name-u-gone");
    world.socket.says(created(5, { userId: "u-nobody" }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(lookups(world)).toEqual(["GET /users/u-gone", "GET /users/u-nobody"]);
  });

  it("are those too who are quoted, and who wrote in a thread", async () => {
    const { world, client } = await inRoom();
    const reply = message(8, { userId: "u-reply", replyTo: "m7", threadRoot: "m7" });
    world.routes.set("GET /messages/m7/thread", () => ({ root: message(7, { userId: "u-root" }), messages: [reply], nextCursor: null }));
    world.routes.set("GET /messages/m9", () => message(9, { userId: "u-quoted" }));
    world.socket.says(created(1, { userId: ME.id, replyTo: "m9" }));
    client.messages.openThread(ROOM, "m7");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(lookups(world).sort()).toEqual(["GET /users/u-quoted", "GET /users/u-reply", "GET /users/u-root"]);
  });

  it("are those too who deleted what others wrote", async () => {
    const { world, client } = await inRoom();
    world.routes.set("GET /users/u-judge", () => gone("u-judge"));
    world.socket.says(created(1));
    world.socket.says({ t: "message.deleted", room: ROOM, seq: 2, d: message(1, { content: "", deletedAt: inMs(0), by: "u-judge" }) });
    await vi.advanceTimersByTimeAsync(500);
    expect(client.knownUsers.get("u-judge")?.username).toBe("name-u-judge");
  });

  it("wait for as long as the server says, and lose nobody by it", async () => {
    const { world, client } = await inRoom();
    let tries = 0;
    world.routes.set("GET /users/u-gone", () => ((tries += 1) === 1 ? problem(429, "rateLimited", { retryable: true, retryAfterMs: 8_000 }) : gone("u-gone")));
    world.routes.set("GET /users/u-left", () => gone("u-left"));
    world.socket.says(created(1, { userId: "u-gone" }));
    world.socket.says(created(2, { userId: "u-left" }));
    await vi.advanceTimersByTimeAsync(8_000);
    expect(client.knownUsers.has("u-gone")).toBe(false);
    await vi.advanceTimersByTimeAsync(500);
    expect([client.knownUsers.has("u-gone"), client.knownUsers.has("u-left")]).toEqual([true, true]);
  });

  it("are asked for, too, when they come while another is asked for", async () => {
    const { world, client } = await inRoom();
    let answer = (_: object) => {};
    world.routes.set("GET /users/u-gone", () => new Promise((resolve) => (answer = resolve)));
    world.routes.set("GET /users/u-left", () => gone("u-left"));
    world.socket.says(created(1, { userId: "u-gone" }));
    await vi.advanceTimersByTimeAsync(500);
    world.socket.says(created(2, { userId: "u-left" }));
    await vi.advanceTimersByTimeAsync(500);
    answer(gone("u-gone"));
    await vi.advanceTimersByTimeAsync(500);
    expect([client.knownUsers.has("u-gone"), client.knownUsers.has("u-left")]).toEqual([true, true]);
  });

  it("are told to nobody else who logs in meanwhile", async () => {
    const { world, client } = await inRoom();
    let answer = (_: object) => {};
    world.routes.set("GET /users/u-gone", () => new Promise((resolve) => (answer = resolve)));
    world.routes.set("POST /auth/logout", () => new Response(null, { status: 204 }));
    world.socket.says(created(1, { userId: "u-gone" }));
    await vi.advanceTimersByTimeAsync(500);
    await client.logout();
    answer(gone("u-gone"));
    await settled();
    expect(client.knownUsers.size).toBe(0);
  });

  it("and members alike are known by their new names", async () => {
    const { world, client } = await inRoom();
    world.routes.set(`GET /rooms/${ROOM}/members`, () => ({ members: [ME, { ...gone("u-bob"), displayName: "Bob" }], nextCursor: null }));
    world.socket.says({ t: "member.updated", room: ROOM, seq: 1, d: { userId: "u-bob", role: "member" } });
    await vi.advanceTimersByTimeAsync(300);
    expect(client.knownUsers.get("u-bob")?.displayName).toBe("Bob");
    world.routes.set(`GET /rooms/${ROOM}/members`, () => ({ members: [ME, { ...gone("u-bob"), displayName: "Robert" }], nextCursor: null }));
    world.socket.says({ t: "member.updated", room: ROOM, seq: 2, d: { userId: "u-bob", role: "member" } });
    await vi.advanceTimersByTimeAsync(300);
    expect(client.knownUsers.get("u-bob")?.displayName).toBe("Robert");
  });
});
