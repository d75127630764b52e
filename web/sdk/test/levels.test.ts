// Which rooms are followed event by event, and what is shown while behind.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { created, inRoom, message, ROOM, settled, shown, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const levels = (world: World) => world.socket.all("room.subscribe").map(({ room, d }) => [room, d.level, d.after]);

describe("a room that is left", () => {
  it("is followed for another half minute, so that coming back costs nothing", async () => {
    const { world, client } = await inRoom();
    client.closeRoom(ROOM);
    await vi.advanceTimersByTimeAsync(29_999);
    world.socket.says(created(1));
    client.openRoom(ROOM);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(levels(world)).toEqual([[ROOM, "full", undefined]]);
    expect(shown(client)).toEqual(["text 1"]);
  });

  it("is then lowered to bump, and opened again from its number", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    client.closeRoom(ROOM);
    await vi.advanceTimersByTimeAsync(30_000);
    // The answer to the lower level says nothing of the timeline.
    world.socket.joined(ROOM, 5, { level: "bump", mode: "uptodate" });
    client.openRoom(ROOM);
    expect(levels(world)).toEqual([[ROOM, "full", undefined], [ROOM, "bump", undefined], [ROOM, "full", 1]]);
  });

  it("is unsubscribed where there are no levels", async () => {
    const { world, client } = await inRoom();
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.features = ["resume"];
    world.socket.ready();
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "uptodate", head: 0 } });
    client.closeRoom(ROOM);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(world.socket.last("room.unsubscribe").room).toBe(ROOM);
    expect(world.socket.all("room.subscribe")).toEqual([]);
  });

  it("is not resumed once it was let go", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    client.closeRoom(ROOM);
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready();
    expect(world.socket.last("resume").d.rooms).toEqual([[ROOM, "full", 1]]);
    world.socket.joined(ROOM, 1);
    await vi.advanceTimersByTimeAsync(30_000);
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(5000);
    world.socket.ready();
    expect(world.socket.last("resume").d.rooms).toEqual([]);
  });

  it("is let go early when too many others are remembered", async () => {
    const { world, client } = await inRoom();
    client.closeRoom(ROOM);
    for (let n = 2; n <= 14; n += 1) {
      client.openRoom(`room-${n}`);
      client.closeRoom(`room-${n}`);
    }
    expect(levels(world)).toContainEqual([ROOM, "bump", undefined]);
    expect(client.room(ROOM)).toBeNull();
  });
});

describe("catching up", () => {
  it("after a lag shows only that, and asks for nothing: the server goes on by itself", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    world.socket.says({ t: "room.lagged", room: ROOM, d: { head: 3 } });
    expect(client.room(ROOM)!.catchingUp).toBe(true);
    world.socket.says({ t: "pong", d: { heads: [[ROOM, 3]] } });
    world.socket.says(created(2));
    world.socket.says({ t: "pong", d: { heads: [[ROOM, 3]] } });
    expect(client.room(ROOM)!.catchingUp).toBe(true);
    world.socket.says(created(3));
    expect(client.room(ROOM)!.catchingUp).toBe(false);
    expect(shown(client)).toEqual(["text 1", "text 2", "text 3"]);
    expect(world.socket.all("room.subscribe")).toHaveLength(1);
    expect(client.protocolFaults).toEqual({ repeats: 0, gaps: 0 });
  });

  it("is asked for after all when the server seems to have forgotten it", async () => {
    const { world } = await inRoom();
    world.socket.says(created(1));
    world.socket.says({ t: "room.lagged", room: ROOM, d: { head: 3 } });
    for (let n = 0; n < 3; n += 1) world.socket.says({ t: "pong", d: { heads: [[ROOM, 3]] } });
    expect(world.socket.all("room.subscribe").map(({ d }) => d.after)).toEqual([undefined, 1]);
  });

  it("is shown during a replay", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    world.socket.cut();
    expect(client.room(ROOM)!.catchingUp).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready();
    world.socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "replay", from: 2, to: 3, head: 3, more: false } });
    expect(client.room(ROOM)!.catchingUp).toBe(true);
    world.socket.says(created(2));
    world.socket.says(created(3));
    expect(client.room(ROOM)!.catchingUp).toBe(false);
  });

  it("ends in a fresh page where the server resets the room", async () => {
    const { world, client } = await inRoom();
    world.socket.says({ t: "room.lagged", room: ROOM, d: { head: 30 } });
    world.routes.set("GET /messages", () => ({ messages: [message(30)], nextCursor: null }));
    world.socket.says({ t: "room.reset", room: ROOM, d: { reason: "retention", head: 30, firstRetained: 30 } });
    world.socket.joined(ROOM, 30);
    await settled();
    expect(client.room(ROOM)!.catchingUp).toBe(false);
    expect(shown(client)).toEqual(["text 30"]);
  });
});
