// What is told of messages beside their text, and places away from a room's end.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { created, inRoom, ME, message, problem, ROOM, settled, shown, World } from "./support.js";
import type { LogEvent } from "../src/frames.js";
import type { Message } from "../src/types.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sign = (t: "reaction.added" | "reaction.removed", seq: number, userId: string, emoji = "👍", id = "m1"): LogEvent => ({
  t,
  room: ROOM,
  seq,
  d: { id, userId, emoji },
});

/** In a room whose first page is these messages, the newest first. */
async function withPage(messages: Message[], extra: object = {}, head = 10) {
  const world = new World().loggedIn();
  world.routes.set("GET /messages", () => ({ messages, nextCursor: null, newerCursor: null, ...extra }));
  return inRoom(world, head);
}

const first = (client: Awaited<ReturnType<typeof inRoom>>["client"], id = "m1") =>
  client.room(ROOM)!.entries.flatMap((entry) => (entry.kind === "message" && entry.message.id === id ? [entry.message] : []))[0]!;
const signs = (m: Message) => (m.reactions ?? []).map(({ emoji, count, isOwn }) => `${emoji}${count}${isOwn ? "!" : ""}`).join(" ");

describe("reactions", () => {
  it("are counted as the log tells them, each person once", async () => {
    const { world, client } = await withPage([message(1, { reactions: [{ emoji: "👍", count: 1, userIds: ["u-bob"], isOwn: false }] })]);
    world.socket.says(sign("reaction.added", 11, "u-bob"));
    expect(signs(first(client))).toBe("👍1");
    world.socket.says(sign("reaction.added", 12, ME.id));
    world.socket.says(sign("reaction.added", 13, "u-eve", "🎉"));
    expect(signs(first(client))).toBe("👍2! 🎉1");
    world.socket.says(sign("reaction.removed", 14, "u-bob"));
    world.socket.says(sign("reaction.removed", 15, "u-eve", "🎉"));
    expect(signs(first(client))).toBe("👍1!");
  });

  it("stay when the text is edited, and go with the message", async () => {
    const { world, client } = await withPage([message(1, { reactions: [{ emoji: "👍", count: 1, userIds: ["u-bob"], isOwn: false }] })]);
    const at = new Date(Date.UTC(2026, 1, 1)).toISOString();
    world.socket.says({ t: "message.updated", room: ROOM, seq: 11, d: message(1, { content: "other", updatedAt: at }) });
    expect(signs(first(client))).toBe("👍1");
    world.socket.says({ t: "message.deleted", room: ROOM, seq: 12, d: message(1, { content: "", updatedAt: at, deletedAt: at }) });
    expect(signs(first(client))).toBe("");
  });

  it("told while a page is being read are not lost by it, nor counted twice", async () => {
    const world = new World().loggedIn();
    let answer!: (page: object) => void;
    world.routes.set("GET /messages", () => new Promise<object>((resolve) => (answer = resolve)));
    const { client } = await inRoom(world, 10);
    world.socket.says(sign("reaction.added", 11, "u-bob"));
    world.socket.says(sign("reaction.added", 12, "u-eve"));
    // Read between the two.
    answer({ messages: [message(1, { reactions: [{ emoji: "👍", count: 1, userIds: ["u-bob"], isOwn: false }] })], nextCursor: null });
    await settled();
    expect(signs(first(client))).toBe("👍2");
  });

  it("of one's own are shown at once, and undone when they are refused", async () => {
    const { world, client } = await withPage([message(1)]);
    const done = client.messages.react(first(client), "👍", true);
    expect(signs(first(client))).toBe("👍1!");
    world.socket.says({ t: "error", ref: world.socket.last("reaction.add").ref, d: { code: "tooLarge", message: "too many", retryable: false } });
    await expect(done).rejects.toMatchObject({ code: "tooLarge" });
    expect(signs(first(client))).toBe("");
  });

  it("of which one thinks better twice end as the last wish was", async () => {
    const { world, client } = await withPage([message(1)]);
    const done = client.messages.react(first(client), "👍", true);
    void client.messages.react(first(client), "👍", false);
    expect(signs(first(client))).toBe("");
    world.socket.acks("reaction.add");
    await settled();
    world.socket.acks("reaction.remove");
    await done;
    expect(signs(first(client))).toBe("");
    expect(world.socket.all("reaction.add")).toHaveLength(1);
  });

  it("go over REST without a socket", async () => {
    const { world, client } = await withPage([message(1)]);
    const ask = vi.fn(() => new Response(null, { status: 204 }));
    world.routes.set("PUT /messages/m1/reactions/%F0%9F%91%8D", ask);
    world.socket.cut();
    await client.messages.react(first(client), "👍", true);
    expect(ask).toHaveBeenCalledOnce();
    expect(signs(first(client))).toBe("👍1!");
  });
});

describe("pins", () => {
  it("are told by the log, and set over REST", async () => {
    const { world, client } = await withPage([message(1)]);
    world.routes.set("PUT /messages/m1/pin", () => new Response(null, { status: 204 }));
    await client.messages.pin(first(client), true);
    expect(first(client).isPinned).toBe(true);
    world.socket.says({ t: "message.unpinned", room: ROOM, seq: 11, d: { messageId: "m1", userId: "u-bob" } });
    expect(first(client).isPinned).toBeUndefined();
  });
});

describe("places in a room", () => {
  /** Messages 1 to 60, in pages of 10; the cursors are numbers. */
  async function inLongRoom() {
    const world = new World().loggedIn();
    const asked: string[] = [];
    world.routes.set("GET /messages", ({ path }) => {
      const query = new URL(path, "http://x").searchParams;
      const cursor = query.get("cursor");
      asked.push(cursor ?? query.get("around") ?? "latest");
      const top = cursor ? Number(cursor) : query.has("around") ? Number(query.get("around")!.slice(1)) + 5 : 60;
      const page = Array.from({ length: 10 }, (_, n) => message(top - n)).filter(({ seq }) => seq > 0);
      return { messages: page, nextCursor: top > 10 ? String(top - 10) : null, newerCursor: top < 60 ? String(top + 10) : null };
    });
    world.routes.set("GET /messages/m0", () => problem(404, "notFound"));
    const opened = await inRoom(world, 60);
    const ends = () => {
      const entries = opened.client.room(ROOM)!.entries;
      return [entries[0], entries.at(-1)].map((entry) => (entry?.kind === "message" ? entry.message.seq : 0));
    };
    return { ...opened, asked, ends };
  }

  it("are shown among what is around them, and grow until they meet the end", async () => {
    const { client, ends, asked } = await inLongRoom();
    expect(ends()).toEqual([51, 60]);
    expect(await client.messages.jumpTo(ROOM, "m20")).toBe(true);
    expect(ends()).toEqual([16, 25]);
    expect(client.room(ROOM)!.hasNewer).toBe(true);
    await client.loadOlder(ROOM);
    expect(ends()).toEqual([6, 25]);
    for (let page = 0; page < 3; page += 1) await client.messages.loadNewer(ROOM);
    expect(ends()).toEqual([6, 60]);
    expect(client.room(ROOM)!.hasNewer).toBe(false);
    await client.loadOlder(ROOM);
    expect(ends()).toEqual([1, 60]);
    expect(asked).toEqual(["latest", "m20", "15", "35", "45", "55", "5"]);
  });

  it("ask for nothing when the message is there already, and say when it is nowhere", async () => {
    const { world, client, asked } = await inLongRoom();
    expect(await client.messages.jumpTo(ROOM, "m55")).toBe(true);
    expect(asked).toEqual(["latest"]);
    world.routes.set("GET /messages", () => problem(404, "notFound"));
    await expect(client.messages.jumpTo(ROOM, "gone")).rejects.toMatchObject({ status: 404 });
    expect(client.room(ROOM)!.error).toBeNull();
  });

  it("are found by a moment: what was said first since then, or else last before", async () => {
    const { world, client, ends } = await inLongRoom();
    const asked: string[] = [];
    /** As the server cuts it: about the first message since then, or up to the end. */
    const about = (at: string) => {
      const first = Array.from({ length: 60 }, (_, n) => n + 1).find((seq) => Date.parse(message(seq).createdAt) >= Date.parse(at)) ?? 61;
      const top = Math.min(first + 4, 60);
      return { messages: Array.from({ length: 10 }, (_, n) => message(top - n)), nextCursor: String(top - 10), newerCursor: top < 60 ? String(top + 10) : null };
    };
    world.routes.set("GET /messages", ({ path }) => {
      const at = new URL(path, "http://x").searchParams.get("at")!;
      asked.push(at);
      return about(at);
    });
    const between = new Date(Date.parse(message(20).createdAt) - 500).toISOString();
    expect((await client.messages.jumpToMoment(ROOM, between))?.id).toBe("m20");
    expect(ends()).toEqual([15, 24]);
    expect(client.room(ROOM)!.hasNewer).toBe(true);
    const afterAll = "2027-01-01T00:00:00.000Z";
    expect((await client.messages.jumpToMoment(ROOM, afterAll))?.id).toBe("m60");
    expect(client.room(ROOM)!.hasNewer).toBe(false);
    expect(asked).toEqual([between, afterAll]);
    world.routes.set("GET /messages", () => ({ messages: [], nextCursor: null, newerCursor: null }));
    expect(await client.messages.jumpToMoment(ROOM, between)).toBeNull();
  });

  it("are left by going to the end, or by sending", async () => {
    const { world, client, ends } = await inLongRoom();
    await client.messages.jumpTo(ROOM, "m20");
    world.socket.says(created(61));
    expect(ends()).toEqual([16, 25]);
    client.messages.jumpToEnd(ROOM);
    expect(ends()).toEqual([51, 61]);
    await client.messages.jumpTo(ROOM, "m20");
    client.messages.send(ROOM, "hello");
    expect(shown(client).at(-1)).toBe("(hello)");
  });

  it("away from the end are read by nobody", async () => {
    const { world, client } = await inLongRoom();
    await client.messages.jumpTo(ROOM, "m20");
    client.reading(ROOM);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(world.socket.all("mark.read")).toHaveLength(0);
  });
});

describe("replies", () => {
  it("name what they answer, which is asked for once when it is not on screen", async () => {
    const { world, client } = await withPage([message(9, { replyTo: "m2" }), message(8, { replyTo: "m2" }), message(7, { replyTo: "m3" })]);
    await vi.waitFor(() => expect(client.room(ROOM)!.quotes.get("m2")).toBeNull());
    expect(world.requests.filter((key) => key === "GET /messages/m2")).toHaveLength(1);
    client.messages.send(ROOM, "yes", [], "m9");
    expect(world.socket.last("message.send").d).toMatchObject({ content: "yes", replyTo: "m9" });
  });

  it("are counted at the message that began the thread", async () => {
    const { world, client } = await withPage([message(1)]);
    world.socket.says(created(11, { replyTo: "m1", threadRoot: "m1" }));
    world.socket.says(created(12, { replyTo: "m11", threadRoot: "m1", userId: ME.id }));
    expect(first(client).thread).toMatchObject({ replies: 2, participants: ["u-bob", ME.id], unread: 1 });
  });

  it("stand in their thread, old ones by pages and new ones live, and are read there", async () => {
    const root = message(1, { thread: { replies: 2, lastReplyAt: message(3).createdAt, participants: ["u-bob"], unread: 2 } });
    const { world, client } = await withPage([root]);
    const reply = (seq: number) => message(seq, { replyTo: "m1", threadRoot: "m1" });
    world.routes.set("GET /messages/m1/thread", ({ path }) =>
      path.includes("cursor=") ? { root, messages: [reply(2)], nextCursor: null } : { root, messages: [reply(3)], nextCursor: "c" },
    );
    const read = vi.fn((_: { body: any }) => new Response(null, { status: 204 }));
    world.routes.set("PUT /messages/m1/thread/read", read);
    client.messages.openThread(ROOM, "m1");
    await settled();
    const seqs = () => client.room(ROOM)!.thread!.entries.map((entry) => (entry.kind === "message" ? entry.message.seq : 0));
    expect(seqs()).toEqual([3]);
    client.messages.loadOlderReplies(ROOM);
    await settled();
    world.socket.says(created(11, { replyTo: "m1", threadRoot: "m1" }));
    expect(seqs()).toEqual([2, 3, 11]);
    expect(client.room(ROOM)!.thread!.root!.thread!.replies).toBe(3);
    client.messages.threadSeen(ROOM);
    client.messages.threadSeen(ROOM);
    expect(read.mock.calls.map(([{ body }]) => body)).toEqual([{ seq: 11 }]);
    expect(first(client).thread!.unread).toBe(0);
    client.messages.openThread(ROOM, null);
    expect(client.room(ROOM)!.thread).toBeNull();
  });
});

describe("who may only read", () => {
  it("is told by the log, and by a refusal that says how long", async () => {
    const { world, client } = await withPage([]);
    const until = new Date(Date.now() + 60_000).toISOString();
    world.socket.says({ t: "member.updated", room: ROOM, seq: 11, d: { userId: ME.id, role: "member", mutedUntil: until, by: "u-bob", reason: "spam" } });
    expect(client.room(ROOM)!.mute).toEqual({ until: Date.parse(until), reason: "spam" });
    await vi.advanceTimersByTimeAsync(1_000);
    world.socket.says({ t: "member.updated", room: ROOM, seq: 12, d: { userId: ME.id, role: "member", mutedUntil: null } });
    expect(client.room(ROOM)!.mute).toBeNull();
    client.messages.send(ROOM, "hello");
    const d = { code: "forbidden", message: "muted", retryable: false, retryAfterMs: 5_000 };
    world.socket.says({ t: "error", ref: world.socket.last("message.send").ref, d });
    expect(client.room(ROOM)!.mute).toEqual({ until: Date.now() + 5_000 });
  });

  it("is told by the refusal of an edit or of a reaction, by the server's clock, and the reason stays", async () => {
    const { world, client } = await withPage([message(1)]);
    const refused = { code: "forbidden", message: "muted", retryable: false, retryAfterMs: 600_000 };
    const refuse = async (t: string, asked: Promise<void>) => {
      world.socket.says({ t: "error", ref: world.socket.last(t).ref, d: refused });
      await expect(asked).rejects.toMatchObject({ code: "forbidden" });
    };
    // There it is an hour later than here.
    client.people.clock.observe(new Date(Date.now() + 3_600_000).toISOString());
    await refuse("message.edit", client.messages.edit(first(client), "changed"));
    expect(client.room(ROOM)!.mute).toEqual({ until: Date.now() + 3_600_000 + 600_000 });
    const until = new Date(Date.now() + 3_600_000 + 599_000).toISOString();
    world.socket.says({ t: "member.updated", room: ROOM, seq: 11, d: { userId: ME.id, role: "member", mutedUntil: until, by: "u-bob", reason: "spam" } });
    client.people.clock.observe(new Date(Date.now() + 3_600_000).toISOString());
    await refuse("reaction.add", client.messages.react(first(client), "🔥", true));
    expect(client.room(ROOM)!.mute).toEqual({ until: Date.parse(until), reason: "spam" });
  });

  it("is told by the list of members too, to whoever opens a room that he did not follow", async () => {
    const world = new World().loggedIn();
    const until = new Date(Date.now() + 60_000).toISOString();
    let mutedUntil: string | null = until;
    world.routes.set(`GET /rooms/${ROOM}/members`, () => ({ members: [{ ...ME, mutedUntil, muteReason: "spam" }], nextCursor: null }));
    const { client } = await inRoom(world, 10);
    expect(client.room(ROOM)!.mute).toEqual({ until: Date.parse(until), reason: "spam" });
    // What is shown while the list is read again is no news.
    world.socket.says({ t: "member.updated", room: ROOM, seq: 11, d: { userId: ME.id, role: "member", mutedUntil: null } });
    mutedUntil = null;
    world.routes.set(`GET /rooms/${ROOM}/members`, async () => (await new Promise((done) => setTimeout(done, 500)), { members: [{ ...ME, mutedUntil }], nextCursor: null }));
    await vi.advanceTimersByTimeAsync(400);
    expect(client.room(ROOM)!.mute).toBeNull();
  });
});

describe("why one may only read", () => {
  const until = new Date(Date.now() + 60_000).toISOString();
  const said = (seq: number, reason?: string) => ({ t: "member.updated", room: ROOM, seq, d: { userId: ME.id, role: "member", mutedUntil: until, by: "u-bob", reason } });
  const listed = async (muteReason?: string) => {
    const world = new World().loggedIn();
    world.routes.set(`GET /rooms/${ROOM}/members`, () => ({ members: [{ ...ME, mutedUntil: until, muteReason }], nextCursor: null }));
    const { client } = await inRoom(world, 10);
    return { world, reason: () => client.room(ROOM)!.mute!.reason };
  };

  it("is what is said last, of the same time too", async () => {
    const { world, reason } = await listed("selling");
    expect(reason()).toBe("selling");
    world.socket.says(said(11, "spam"));
    expect(reason()).toBe("spam");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reason()).toBe("selling");
  });

  it("is kept as it was told, where the server does not keep it", async () => {
    const { world, reason } = await listed();
    world.socket.says(said(11, "spam"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reason()).toBe("spam");
  });
});

describe("what one wants of a room", () => {
  it("is kept by the server, told to all devices, and puts favourites first", async () => {
    const room = (id: string, name: string) => ({ id, name, isPrivate: false });
    const world = new World().loggedIn();
    world.routes.set("GET /rooms", () => [room(ROOM, "Attic"), room("room-2", "Barn")]);
    const put = vi.fn(({ body }: { body: any }) => ({ mutedUntil: null, ...body }));
    world.routes.set("PUT /rooms/room-2/settings", put);
    const { client } = await inRoom(world);
    const names = () => client.rooms!.map(({ name }) => name);
    expect(names()).toEqual(["Attic", "Barn"]);
    await client.roomActions.set("room-2", { notifications: "mentions", mutedUntil: null, isFavourite: true });
    expect(put.mock.calls[0]![0].body).toEqual({ notifications: "mentions", isFavourite: true });
    expect(names()).toEqual(["Barn", "Attic"]);
    const d = { roomId: "room-2", notifications: "none", mutedUntil: null, isFavourite: false };
    world.socket.says({ t: "settings.updated", useq: 4, d });
    expect(client.rooms!.find(({ id }) => id === "room-2")!.settings!.notifications).toBe("none");
    expect(names()).toEqual(["Attic", "Barn"]);
  });
});
