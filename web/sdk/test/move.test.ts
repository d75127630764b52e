// Make before break: a draining server is left without a pause, and whatever
// goes wrong on the way ends in an ordinary reconnect.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { created, inRoom, ME, problem, ROOM, seeded, settled, shown } from "./support.js";
import type { FakeSocket } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const DRAINING = { t: "server.draining", d: { delayMs: 1830, deadline: "2026-01-01T00:00:30.000Z" } };

/** In a room at number 1, with the second socket opened and not yet ready. */
async function draining() {
  const { world, client } = await inRoom();
  const states: string[] = [];
  client.on("connection", () => void states.push(client.connectionStatus.status));
  const old = world.socket;
  old.says(created(1));
  old.says(DRAINING);
  await vi.advanceTimersByTimeAsync(1830);
  const next = world.socket;
  expect(next).not.toBe(old);
  return { world, client, old, next, states };
}

const replay = (socket: FakeSocket, from: number, to: number) =>
  socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "replay", level: "full", from, to, head: to, more: false } });
const uptodate = (socket: FakeSocket, head: number) =>
  socket.says({ t: "room.subscribed", room: ROOM, d: { mode: "uptodate", level: "full", head, more: false } });

describe("moving", () => {
  it("waits for the delay, keeps the old socket until the new one has resumed, then closes it deliberately", async () => {
    const { world, client, old, next, states } = await draining();
    expect(world.sockets).toHaveLength(2);
    next.ready();
    expect(next.last("resume").d).toEqual({ epoch: "e1", userAfter: 3, rooms: [[ROOM, "full", 1]], replaces: "c1" });
    old.says(created(2));
    expect(shown(client)).toEqual(["text 1", "text 2"]);
    expect(old.closedWith).toBeUndefined();
    replay(next, 2, 2);
    next.says(created(2));
    next.resumed();
    expect(old.closedWith).toBe(1000);
    next.says(created(3));
    expect(shown(client)).toEqual(["text 1", "text 2", "text 3"]);
    // Nobody was told of a pause, because there was none.
    expect(states).toEqual([]);
    expect(client.connectionStatus.status).toBe("ready");
    expect(client.protocolFaults).toEqual({ repeats: 0, gaps: 0 });
  });

  it("shows at the switch what only the new socket has told", async () => {
    const { client, next } = await draining();
    next.ready();
    replay(next, 2, 3);
    next.says(created(2));
    next.says(created(3));
    expect(shown(client)).toEqual(["text 1"]);
    next.resumed();
    expect(shown(client)).toEqual(["text 1", "text 2", "text 3"]);
  });

  it("sends again on the new socket, once, in order and under the same ids, what the old one did not answer", async () => {
    const { client, old, next } = await draining();
    client.messages.send(ROOM, "first");
    client.messages.send(ROOM, "second");
    const { clientMsgId } = old.last("message.send").d;
    next.ready();
    uptodate(next, 1);
    next.resumed();
    expect(next.all("message.send").map((f) => f.d)).toEqual([{ clientMsgId, content: "first" }]);
    next.acks("message.send", { id: "m2", seq: 2, clientMsgId, duplicate: true });
    expect(next.all("message.send").map((f) => f.d.content)).toEqual(["first", "second"]);
    next.says(created(2, { content: "first", userId: ME.id, clientMsgId }));
    expect(shown(client)).toEqual(["text 1", "first", "(second)"]);
  });

  it("does not send again what the new socket shows as stored", async () => {
    const { client, old, next } = await draining();
    client.messages.send(ROOM, "mine");
    const { clientMsgId } = old.last("message.send").d;
    next.ready();
    replay(next, 2, 2);
    next.says(created(2, { content: "mine", userId: ME.id, clientMsgId }));
    next.resumed();
    expect(next.all("message.send")).toEqual([]);
    expect(shown(client)).toEqual(["text 1", "mine"]);
  });

  it("subscribes on the new socket to a room opened meanwhile, and lowers one that was let go", async () => {
    const { world, client, old, next } = await draining();
    next.ready();
    client.openRoom("room-2");
    old.joined("room-2", 7);
    client.closeRoom(ROOM);
    await vi.advanceTimersByTimeAsync(30_000);
    uptodate(next, 1);
    next.resumed();
    expect(next.all("room.subscribe").map(({ room, d }) => [room, d])).toEqual([
      ["room-2", { level: "full", after: 7 }],
      [ROOM, { level: "bump" }],
    ]);
    expect(world.sockets).toHaveLength(2);
  });

  it("drops user events that both sockets bring", async () => {
    const { world, old, next } = await draining();
    let fetched = 0;
    world.routes.set("GET /rooms/room-9", () => ({ id: "room-9", name: "Nine", isPrivate: false, head: (fetched += 1) }));
    next.ready();
    const added = { t: "room.added", useq: 4, d: { roomId: "room-9" } };
    old.says(added);
    next.says(added);
    uptodate(next, 1);
    next.resumed();
    next.says(added);
    await settled();
    expect(fetched).toBe(1);
  });
});

describe("a move that cannot be made", () => {
  it("leaves the old socket alone until the server closes it, then comes back as always", async () => {
    const { world, client } = await inRoom();
    const old = world.socket;
    world.routes.set("POST /ws/ticket", () => problem(503, "unavailable", { retryable: true }));
    old.says(DRAINING);
    await vi.advanceTimersByTimeAsync(10_000);
    old.says(created(1));
    expect(shown(client)).toEqual(["text 1"]);
    expect(client.connectionStatus.status).toBe("ready");
    world.routes.set("POST /ws/ticket", () => ({ ticket: "t2" }));
    old.cut(4200);
    expect(client.connectionStatus.status).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready();
    expect(world.socket.last("resume").d).toEqual({ epoch: "e1", userAfter: 3, rooms: [[ROOM, "full", 1]] });
  });

  it("tries again with a new socket while the old one lives", async () => {
    const { world, client, old, next } = await draining();
    next.cut(4101);
    expect(client.connectionStatus.status).toBe("ready");
    await vi.advanceTimersByTimeAsync(500);
    expect(world.sockets).toHaveLength(3);
    world.socket.ready();
    uptodate(world.socket, 1);
    world.socket.resumed();
    expect(old.closedWith).toBe(1000);
  });

  it("goes on with the new socket at once when the old one is closed before it has resumed", async () => {
    const { world, client, old, next, states } = await draining();
    client.messages.send(ROOM, "mine");
    next.ready();
    old.cut(4200);
    expect(next.last("message.send").d.content).toBe("mine");
    replay(next, 2, 2);
    next.says(created(2));
    expect(shown(client)).toEqual(["text 1", "text 2", "(mine)"]);
    next.resumed();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(world.sockets).toHaveLength(2);
    expect(states).toEqual([]);
  });

  it("makes the new socket the only one when the old one is closed before it is ready", async () => {
    const { world, client, old, next } = await draining();
    old.cut(4200);
    expect(client.connectionStatus.status).toBe("connecting");
    next.ready();
    expect(client.connectionStatus.status).toBe("ready");
    expect(next.last("resume").d.rooms).toEqual([[ROOM, "full", 1]]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(world.sockets).toHaveLength(2);
  });

  it("comes back as always when the old one is closed before there is a new one", async () => {
    const { world, client } = await inRoom();
    world.socket.says(DRAINING);
    let answer = (_: object) => {};
    world.routes.set("POST /ws/ticket", () => new Promise((resolve) => (answer = resolve)));
    await vi.advanceTimersByTimeAsync(1830);
    world.socket.cut(4200);
    expect(client.connectionStatus.status).toBe("waiting");
    answer({ ticket: "late" });
    world.routes.set("POST /ws/ticket", () => ({ ticket: "t3" }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(world.sockets.map((socket) => socket.protocols[1])).toEqual(["ticket.t1", "ticket.t3"]);
  });

  it("ends with the session when either socket says that it is revoked", async () => {
    const { client, old, next } = await draining();
    next.ready();
    next.cut(4303);
    expect(client.currentUser).toBeNull();
    expect(old.closedWith).toBe(1000);
  });

  it("is not begun at a server that cannot resume", async () => {
    const { world, client } = await inRoom();
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.features = [];
    world.socket.ready();
    world.socket.joined(ROOM, 0);
    expect(world.socket.all("resume")).toEqual([]);
    world.socket.says(DRAINING);
    await vi.advanceTimersByTimeAsync(1830);
    expect(client.connectionStatus.status).toBe("connecting");
  });
});

describe("within one socket", () => {
  it("a repeat and a gap are counted, and the gap is asked for", async () => {
    const { world, client } = await inRoom();
    world.socket.says(created(1));
    world.socket.says(created(1));
    world.socket.says(created(3));
    expect(client.protocolFaults).toEqual({ repeats: 1, gaps: 1 });
    expect(world.socket.last("room.subscribe").d).toEqual({ level: "full", after: 1 });
    world.socket.joined(ROOM, 3, { mode: "replay", from: 2, to: 3 });
    world.socket.says(created(2));
    world.socket.says(created(3));
    expect(shown(client)).toEqual(["text 1", "text 2", "text 3"]);
    expect(client.protocolFaults).toEqual({ repeats: 1, gaps: 1 });
  });
});

/** One server's log and a client moved about at random: nothing is lost, doubled or out of order. */
async function storm(seed: number): Promise<void> {
  const random = seeded(seed);
  const chance = (p: number) => random() < p;
  const { world, client } = await inRoom();
  let head = 0;
  /** What each socket still has to bring, in order. */
  const wires = new Map<FakeSocket, object[]>([[world.socket, []]]);
  const greeted = new Set<FakeSocket>([world.socket]);

  const serve = (socket: FakeSocket) => {
    const wire: object[] = [];
    const [, , after] = socket.last("resume").d.rooms[0];
    const d = after === head ? { mode: "uptodate", head } : { mode: "replay", from: after + 1, to: head, head };
    wire.push({ t: "room.subscribed", room: ROOM, d: { level: "full", more: false, ...d } });
    for (let seq = after + 1; seq <= head; seq += 1) wire.push(created(seq));
    wire.push({ t: "resumed", ref: socket.last("resume").ref, d: {} });
    wires.set(socket, wire);
  };
  const alive = () => world.sockets.filter((socket) => socket.readyState === 1);

  for (let turn = 0; turn < 120; turn += 1) {
    for (const socket of alive()) {
      if (greeted.has(socket) || !chance(0.5)) continue;
      greeted.add(socket);
      socket.ready();
      serve(socket);
    }
    if (chance(0.4)) {
      head += 1;
      for (const socket of alive()) wires.get(socket)?.push(created(head));
    }
    for (const socket of alive()) if (chance(0.5)) wires.get(socket)?.splice(0, 3).forEach((frame) => socket.says(frame));
    if (chance(0.06)) alive()[0]?.says({ t: "server.draining", d: { delayMs: 500 } });
    if (chance(0.04)) alive().at(chance(0.5) ? 0 : -1)?.cut(chance(0.5) ? 4200 : 1006);
    await vi.advanceTimersByTimeAsync(chance(0.3) ? 600 : 50);
  }
  for (let turn = 0; turn < 40; turn += 1) {
    for (const socket of alive()) {
      if (!greeted.has(socket)) {
        greeted.add(socket);
        socket.ready();
        serve(socket);
      }
      wires.get(socket)?.splice(0).forEach((frame) => socket.says(frame));
    }
    await vi.advanceTimersByTimeAsync(1_000);
  }
  const all = Array.from({ length: head }, (_, index) => `text ${index + 1}`);
  expect(shown(client), `seed ${seed}`).toEqual(all);
  expect(client.protocolFaults, `seed ${seed}`).toEqual({ repeats: 0, gaps: 0 });
  expect(alive(), `seed ${seed}`).toHaveLength(1);
}

it("a storm of drains, cuts and lost moves delivers each number once, in order", async () => {
  for (let seed = 1; seed <= 40; seed += 1) await storm(seed);
}, 30_000);
