import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChatClient } from "../src/client.js";
import { created, inRoom, ME, message, problem, ROOM, settled, shown, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a room", () => {
  it("joins the log first and reads the history second, so that nothing falls between", async () => {
    const world = new World().loggedIn();
    const client = new ChatClient(world.environment());
    client.start();
    client.openRoom(ROOM);
    await settled();
    world.socket.ready();
    await settled();
    expect(world.requests).not.toContain("GET /messages");
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "uptodate", head: 4 } });
    expect(world.socket.last("room.subscribe").d).toEqual({ level: "full" });
    await settled();
    expect(world.requests).toContain("GET /messages");
  });

  it("shows a message at once and as one bubble when the ack comes before the event", async () => {
    const { world, client } = await inRoom();
    client.messages.send(ROOM, "hi");
    expect(shown(client)).toEqual(["(hi)"]);
    const { ref, d } = world.socket.last("message.send");
    world.socket.says({ t: "ack", ref, d: { id: "m1", seq: 1, ts: "2026-01-01T00:00:01.000Z", ...d, duplicate: false } });
    expect(shown(client)).toEqual(["hi"]);
    const key = client.room(ROOM)!.entries[0]!.key;
    world.socket.says(created(1, { content: "hi", userId: ME.id, clientMsgId: d.clientMsgId }));
    expect(shown(client)).toEqual(["hi"]);
    expect(client.room(ROOM)!.entries[0]!.key).toBe(key);
  });

  it("shows one bubble when the event comes before the ack", async () => {
    const { world, client } = await inRoom();
    client.messages.send(ROOM, "hi");
    const { ref, d } = world.socket.last("message.send");
    world.socket.says(created(1, { content: "hi", userId: ME.id, clientMsgId: d.clientMsgId }));
    expect(shown(client)).toEqual(["hi"]);
    world.socket.says({ t: "ack", ref, d: { id: "m1", seq: 1, clientMsgId: d.clientMsgId, duplicate: false } });
    expect(shown(client)).toEqual(["hi"]);
    expect(client.unsentCount).toBe(0);
  });

  it("resumes after a cut from its last number, and resends what was not acked", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    client.messages.send(ROOM, "mine");
    const { clientMsgId } = world.socket.last("message.send").d;
    world.socket.cut();
    client.messages.send(ROOM, "written offline");
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready();
    expect(world.socket.last("resume").d).toEqual({ epoch: "e1", userAfter: 3, rooms: [[ROOM, "full", 1]] });
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "replay", from: 2, to: 3, head: 3, more: false } });
    world.socket.says(created(2));
    world.socket.says(created(3, { content: "mine", userId: ME.id, clientMsgId }));
    expect(shown(client)).toEqual(["text 1", "text 2", "mine", "(written offline)"]);
    expect(world.socket.all("message.send").map((f) => f.d.content)).toEqual(["mine", "written offline"]);
  });

  it("asks for what a gap hides, then shows everything in order", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    world.socket.says(created(3));
    expect(world.socket.last("room.subscribe").d).toEqual({ level: "full", after: 1 });
    expect(shown(client)).toEqual(["text 1"]);
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "replay", from: 2, to: 3, head: 3, more: false } });
    world.socket.says(created(2));
    expect(shown(client)).toEqual(["text 1", "text 2", "text 3"]);
  });

  it("drops its cache on a reset and reads the history again", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    world.routes.set("GET /messages", () => ({ messages: [message(90)], nextCursor: null }));
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready("e2");
    expect(world.socket.last("resume").d.epoch).toBe("e1");
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "reset", reason: "epoch", head: 90 } });
    expect(shown(client)).toEqual([]);
    await settled();
    expect(shown(client)).toEqual(["text 90"]);
    world.socket.says(created(91));
    expect(shown(client)).toEqual(["text 90", "text 91"]);
  });

  it("reads older pages to the beginning", async () => {
    const world = new World().loggedIn();
    world.routes.set("GET /messages", ({ path }) =>
      path.includes("cursor=c1")
        ? { messages: [message(1)], nextCursor: null }
        : { messages: [message(3), message(2)], nextCursor: "c1" },
    );
    const { client } = await inRoom(world);
    expect(client.room(ROOM)!.hasOlder).toBe(true);
    await client.loadOlder(ROOM);
    expect(shown(client)).toEqual(["text 1", "text 2", "text 3"]);
    expect(client.room(ROOM)!.hasOlder).toBe(false);
  });

  it("shows its history although no socket can be opened", async () => {
    const world = new World().loggedIn();
    world.routes.set("POST /ws/ticket", () => problem(503, "unavailable", { retryable: true }));
    world.routes.set("GET /messages", () => ({ messages: [message(1)], nextCursor: null }));
    const client = new ChatClient(world.environment());
    client.start();
    client.openRoom(ROOM);
    await settled();
    expect(shown(client)).toEqual(["text 1"]);
  });

  it("misses nothing that was said between its history and its log", async () => {
    const world = new World().loggedIn();
    world.routes.set("POST /ws/ticket", () => problem(503, "unavailable", { retryable: true }));
    const answers: ((answer: object) => void)[] = [];
    world.routes.set("GET /messages", () => new Promise<object>((answer) => answers.push(answer)));
    const client = new ChatClient(world.environment());
    client.start();
    client.openRoom(ROOM);
    await settled();
    world.routes.set("POST /ws/ticket", () => ({ ticket: "t2", expiresIn: 30 }));
    await vi.advanceTimersByTimeAsync(1_000);
    world.socket.ready();
    // 49 and 50 came after the page was read and before the log was joined.
    world.socket.joined(ROOM, 50);
    answers[0]!({ messages: [message(48)], nextCursor: null });
    await settled();
    expect(answers).toHaveLength(2);
    answers[1]!({ messages: [message(50), message(49), message(48)], nextCursor: null });
    await settled();
    expect(shown(client)).toEqual(["text 48", "text 49", "text 50"]);
  });

  it.each([
    ["message", async (client: ChatClient) => (await client.messages.jumpTo(ROOM, "m20")) && "m20"],
    ["moment", async (client: ChatClient) => (await client.messages.jumpToMoment(ROOM, message(20).createdAt))?.id],
  ])("leads to a %s although its log is joined meanwhile", async (_, jump) => {
    const world = new World().loggedIn();
    const held: (() => void)[] = [];
    world.routes.set("GET /messages", async ({ path }) => {
      if (!/around|at=/.test(path)) return { messages: [message(50)], nextCursor: "c50" };
      if (held.length === 0) await new Promise<void>((go) => held.push(go));
      return { messages: [message(20)], nextCursor: "c20", newerCursor: "c21" };
    });
    const client = new ChatClient(world.environment());
    client.start();
    client.openRoom(ROOM);
    const found = jump(client);
    await settled();
    world.socket.ready();
    world.socket.joined(ROOM, 50);
    await settled();
    held[0]!();
    expect(await found).toBe("m20");
    expect(shown(client)).toEqual(["text 20"]);
  });

  it("left and opened again goes on from its number", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    client.closeRoom(ROOM);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(world.socket.last("room.subscribe").d).toEqual({ level: "bump" });
    client.openRoom(ROOM);
    expect(world.socket.last("room.subscribe").d).toEqual({ level: "full", after: 1 });
    expect(shown(client)).toEqual(["text 1"]);
  });

  it("says why it cannot be read", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(5));
    const { ref } = world.socket.last("room.subscribe");
    world.socket.says({ t: "error", ref, d: { code: "notMember", message: "not a member", retryable: false } });
    expect(client.room(ROOM)!.error?.code).toBe("notMember");
  });
});

describe("edits and deletions", () => {
  it("go over the socket and are refused with the server's code", async () => {
    const { world, client } = await inRoom();
    const refused = client.messages.edit(message(1), "new").catch((error: unknown) => error);
    const { ref, d } = world.socket.last("message.edit");
    expect(d).toEqual({ id: "m1", content: "new" });
    world.socket.says({ t: "error", ref, d: { code: "editWindowClosed", message: "too late", retryable: false } });
    expect(await refused).toMatchObject({ code: "editWindowClosed", message: "too late" });
  });

  it("go over REST when the socket is cut before the answer", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    world.routes.set("PATCH /messages/m1", ({ body }) => message(1, { ...body, updatedAt: "2026-03-01T00:00:00.000Z" }));
    const edit = client.messages.edit(message(1), "new");
    world.socket.cut();
    await edit;
    expect(shown(client)).toEqual(["new"]);
  });
});

describe("a refused subscription", () => {
  it("is asked for again when the refusal passes", async () => {
    const world = new World().loggedIn();
    const client = new ChatClient(world.environment());
    client.start();
    client.openRoom(ROOM);
    await settled();
    world.socket.ready();
    const { ref } = world.socket.last("room.subscribe");
    world.socket.says({ t: "error", ref, d: { code: "rateLimited", message: "", retryable: true, retryAfterMs: 2000 } });
    await vi.advanceTimersByTimeAsync(2000);
    expect(world.socket.all("room.subscribe")).toHaveLength(2);
    expect(client.room(ROOM)!.error).toBeNull();
  });

  it("after a refused resume is tried room by room", async () => {
    const { world } = await inRoom();
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready();
    const { ref } = world.socket.last("resume");
    world.socket.says({ t: "error", ref, d: { code: "badRequest", message: "no", retryable: false } });
    expect(world.socket.last("room.subscribe").d).toEqual({ level: "full", after: 0 });
  });
});

describe("a room that changes under its reader", () => {
  it("is subscribed anew after an unasked reset", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    world.routes.set("GET /messages", () => ({ messages: [message(40)], nextCursor: null }));
    world.socket.says({ t: "room.reset", room: ROOM, d: { reason: "retention", head: 40, firstRetained: 40 } });
    expect(world.socket.last("room.subscribe").d).toEqual({ level: "full", after: 40 });
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "uptodate", head: 40 } });
    await settled();
    expect(shown(client)).toEqual(["text 40"]);
  });

  it("is closed to somebody who was removed", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    world.routes.set("GET /messages", () => problem(403, "notMember"));
    const asked = world.socket.all("room.subscribe").length;
    world.socket.says({ t: "room.reset", room: ROOM, d: { reason: "membership", head: 0, firstRetained: 1 } });
    await settled();
    expect(shown(client)).toEqual([]);
    expect(client.room(ROOM)!.error?.code).toBe("notMember");
    expect(world.socket.all("room.subscribe")).toHaveLength(asked);
  });

  it("asks for its members once when a crowd comes in", async () => {
    const { world } = await inRoom();
    const asked = () => world.requests.filter((request) => request.endsWith("/members")).length;
    const before = asked();
    for (let seq = 1; seq <= 50; seq += 1) {
      world.socket.says({ t: "member.joined", room: ROOM, seq, d: { userId: `u${seq}` } });
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked()).toBe(before + 1);
  });
});

describe("what a message may hold", () => {
  it("is what the server said last, over cuts and moves", async () => {
    const { world, client } = await inRoom();
    expect(client.messages.limits).toEqual({ characters: 8_000, files: 10, fileBytes: 9_961_472, editWindowSeconds: 300 });
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1_000);
    world.socket.limits = { contentChars: 100, attachments: 2, fileBytes: 1_000, editWindowSeconds: 60 };
    world.socket.ready();
    expect(client.messages.limits).toEqual({ characters: 100, files: 2, fileBytes: 1_000, editWindowSeconds: 60 });
    world.socket.says({ t: "server.draining", d: { delayMs: 10 } });
    await vi.advanceTimersByTimeAsync(10);
    world.socket.limits = { contentChars: 200 };
    world.socket.ready();
    world.socket.resumed();
    expect(client.messages.limits.characters).toBe(200);
    world.socket.cut();
    expect(client.messages.limits.characters).toBe(200);
  });
});
