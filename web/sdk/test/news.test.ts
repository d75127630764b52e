// What others said just now, as whoever shows notices is told of it.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { created, inRoom, ME, message, ROOM, settled, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function begin() {
  const world = new World().loggedIn();
  world.routes.set("GET /messages", () => ({ messages: [], nextCursor: null, newerCursor: null }));
  return inRoom(world, 10);
}

describe("news", () => {
  it("are told to whoever wants them, of rooms near and far, each once and none of one's own", async () => {
    const { world, client } = await begin();
    const told: string[] = [];
    client.news.reader = {
      wants: () => "messages",
      tell: (roomId, messages) => void told.push(`${roomId}: ${messages.map(({ content }) => content)}`),
    };
    world.socket.says(created(11));
    world.socket.says(created(12, { userId: ME.id }));
    expect(told).toEqual([`${ROOM}: text 11`]);
    world.socket.says({ t: "heads", d: { rooms: [{ room: "room-2", head: 4, messages: 4 }], more: false } });
    world.routes.set("GET /messages", () => ({ messages: [message(6), message(5), message(4)], nextCursor: null }));
    world.socket.says({ t: "room.bump", room: "room-2", d: { head: 6, messages: 6 } });
    await settled();
    world.socket.says({ t: "room.bump", room: "room-2", d: { head: 6, messages: 6 } });
    await settled();
    expect(told.slice(1)).toEqual(["room-2: text 5,text 6"]);
  });

  it("of mentions are those of which the server says so, whatever the texts look like", async () => {
    const { world, client } = await begin();
    const told: string[] = [];
    client.news.reader = {
      wants: () => "mentions",
      tell: (roomId, messages, kind) => void told.push(`${roomId} ${kind}: ${messages.map(({ seq }) => seq)}`),
    };
    const head = { room: "room-2", head: 4, messages: 4, received: 4, read: 4, unread: 0, mentions: 0 };
    world.socket.says({ t: "heads", d: { rooms: [head], more: false } });
    world.routes.set("GET /messages", () => ({ messages: [message(6), message(5), message(4)], nextCursor: null }));
    const counts = (mentions: number) => ({ head: 6, messages: 6, received: 4, read: 4, unread: 2, mentions });
    const asked = () => world.requests.filter((request) => request === "GET /messages").length;
    const before = asked();
    world.socket.says({ t: "room.bump", room: "room-2", d: { head: 6, messages: 6 } });
    world.socket.says({ t: "room.bump", room: "room-2", d: counts(0) });
    await settled();
    expect([told, asked()]).toEqual([[], before]);
    world.socket.says({ t: "room.bump", room: "room-2", d: counts(1) });
    await settled();
    world.socket.says({ t: "room.bump", room: "room-2", d: counts(1) });
    await settled();
    expect(told).toEqual(["room-2 mentions: 5,6"]);
  });

  it("of a mention that the list of rooms counted first are told all the same", async () => {
    const { world, client } = await begin();
    const told: string[] = [];
    client.news.reader = { wants: () => "mentions", tell: (roomId, messages) => void told.push(`${roomId}: ${messages.map(({ seq }) => seq)}`) };
    const counts = (head: number, mentions: number) => ({ head, messages: head, received: 4, read: 4, unread: head - 4, mentions });
    const heads = (head: number, mentions: number) =>
      world.socket.says({ t: "heads", d: { rooms: [{ room: "room-2", ...counts(head, mentions) }], more: false } });
    const bump = (head: number, mentions: number) => world.socket.says({ t: "room.bump", room: "room-2", d: counts(head, mentions) });
    heads(4, 0);
    world.routes.set("GET /messages", () => ({ messages: [message(6), message(5), message(4)], nextCursor: null }));
    bump(5, 0);
    heads(6, 1);
    bump(6, 1);
    await settled();
    expect(told).toEqual(["room-2: 5,6"]);
  });

  it("cost no request while nobody wants them", async () => {
    const { world, client } = await begin();
    client.news.reader = { wants: () => null, tell: () => expect.unreachable() };
    world.socket.says({ t: "heads", d: { rooms: [{ room: "room-2", head: 4, messages: 4 }], more: false } });
    const before = world.requests.length;
    world.socket.says({ t: "room.bump", room: "room-2", d: { head: 6, messages: 6 } });
    world.socket.says(created(11));
    await settled();
    expect(world.requests.slice(before)).not.toContain("GET /messages");
  });
});
