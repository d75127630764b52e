import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { inRoom, problem, ROOM, settled, shown, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a session", () => {
  it("ends on logout, with tokens, unsent messages and rooms gone", async () => {
    const { world, client } = await inRoom();
    world.socket.cut();
    client.messages.send(ROOM, "never sent");
    world.routes.set("POST /auth/logout", () => new Response(null, { status: 204 }));
    await client.logout();
    expect(client.currentUser).toBeNull();
    expect(client.room(ROOM)).toBeNull();
    expect(world.storage.length).toBe(0);
  });

  it("ends on logout although the network takes the request and never answers", async () => {
    const { world, client } = await inRoom();
    world.routes.set("POST /auth/logout", () => new Promise(() => {}));
    void client.logout();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(client.currentUser).toBeNull();
    expect(world.storage.length).toBe(0);
  });

  it("that the server ends before it answers the logout takes the unsent messages along", async () => {
    const { world, client } = await inRoom();
    client.messages.send(ROOM, "never acked");
    world.routes.set("POST /auth/logout", () => {
      world.socket.says({ t: "session.revoked" });
      world.socket.cut(4303);
      return new Response(null, { status: 204 });
    });
    await client.logout();
    expect(client.currentUser).toBeNull();
    expect(world.storage.length).toBe(0);
  });

  it("that is left by any other deed does so, too, and only if it was done", async () => {
    const { world, client } = await inRoom();
    world.socket.cut();
    client.messages.send(ROOM, "unsent");
    world.routes.set("POST /auth/logout-all", () => problem(503, "unavailable", { retryable: true }));
    await expect(client.leave(() => client.account.logoutAll())).rejects.toMatchObject({ code: "unavailable" });
    expect(client.unsentCount).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    world.socket.ready();
    // Done, and then the answer was lost with the line.
    world.routes.set("POST /auth/logout-all", () => {
      world.socket.says({ t: "session.revoked" });
      return Promise.reject(new TypeError("cut"));
    });
    await client.leave(() => client.account.logoutAll());
    expect(client.currentUser).toBeNull();
    expect(world.storage.length).toBe(0);
  });

  it("that ends by itself keeps what is unsent for the next one", async () => {
    const { world, client } = await inRoom();
    client.messages.send(ROOM, "unsent");
    world.socket.says({ t: "session.revoked" });
    expect(client.currentUser).toBeNull();
    expect(shown((await inRoom(new World(world.storage).loggedIn())).client)).toEqual(["(unsent)"]);
  });

  it("takes along what was written in another tab, and counts it before", async () => {
    const here = await inRoom();
    const there = await inRoom(new World(here.world.storage));
    for (const { world } of [here, there]) world.socket.cut();
    // Each has its own supply of ids.
    there.world.environment().uuid();
    here.client.messages.send(ROOM, "here");
    there.client.messages.send(ROOM, "there");
    expect(here.client.unsentCount).toBe(2);
    await here.client.logout();
    expect(here.world.storage.length).toBe(0);
  });

  it("goes on connecting when a ticket was asked for and never came", async () => {
    const { world, client } = await inRoom();
    world.routes.set("POST /ws/ticket", () => new Promise(() => {}));
    const asked = () => world.requests.filter((request) => request === "POST /ws/ticket").length;
    const before = asked();
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(500);
    expect(client.connectionStatus.status).toBe("connecting");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(client.connectionStatus.status).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked()).toBe(before + 2);
  });

  it.each([
    ["coming back", (world: World) => world.socket.cut()],
    ["moving", (world: World) => world.socket.says({ t: "server.draining", d: { delayMs: 500 } })],
  ])("ends rather than go on as somebody else, on %s", async (_, leave) => {
    const { world, client } = await inRoom();
    leave(world);
    await vi.advanceTimersByTimeAsync(500);
    expect(world.sockets).toHaveLength(2);
    // Another tab has logged bob in: its cookie gave this page its token.
    const bob = JSON.stringify({ user: { id: "u-bob", username: "bob", email: "b@example.com" } });
    world.storage.setItem("chat.session", bob);
    world.socket.hello();
    world.socket.says({ t: "ready", d: { user: { id: "u-bob", username: "bob" }, sessionId: "s2", userSeq: 1 } });
    await settled();
    expect(client.currentUser).toBeNull();
    expect(world.socket.all("resume")).toEqual([]);
    expect(world.sockets.map(({ readyState }) => readyState)).toEqual([3, 3]);
    expect(world.storage.getItem("chat.session")).toBe(bob);
  });

  it("survives a reload with its unsent messages", async () => {
    const { world, client } = await inRoom();
    world.socket.cut();
    client.messages.send(ROOM, "unsent");
    const again = await inRoom(new World(world.storage));
    expect(again.client.currentUser?.username).toBe("alice");
    expect(shown(again.client)).toEqual(["(unsent)"]);
    expect(again.world.socket.last("message.send").d.content).toBe("unsent");
  });
});

describe("a message of a room that one is no longer in", () => {
  const garden = { id: ROOM, name: "Garden" };
  const stranded = (client: { messages: { stranded: readonly { content: string }[] } }) => client.messages.stranded.map(({ content }) => content);

  /** Written offline; put out of the room before the line was back. */
  async function putOut(list: object[]) {
    const world = new World().loggedIn();
    let rooms: object[] = [garden];
    world.routes.set("GET /rooms", () => rooms);
    const { client } = await inRoom(world);
    const told = vi.fn();
    client.on("stranded", told);
    world.socket.cut();
    client.messages.send(ROOM, "unsent");
    rooms = list;
    await vi.advanceTimersByTimeAsync(1_000);
    world.socket.ready();
    expect(stranded(client)).toEqual([]);
    const { ref } = world.socket.last("message.send");
    world.socket.says({ t: "error", ref, d: { code: "notMember", message: "not a member", retryable: false } });
    await settled();
    return { world, client, told };
  }

  it("is told outside of rooms until it is discarded, over a reload too", async () => {
    const { world, client, told } = await putOut([]);
    expect(stranded(client)).toEqual(["unsent"]);
    expect(told).toHaveBeenCalledOnce();
    const again = new World(world.storage);
    const { client: reloaded } = await inRoom(again);
    expect(stranded(reloaded)).toEqual(["unsent"]);
    expect(reloaded.unsentCount).toBe(1);
    reloaded.messages.discard(reloaded.messages.stranded[0]!.clientMsgId);
    expect(stranded(reloaded)).toEqual([]);
    expect(reloaded.unsentCount).toBe(0);
  });

  it("stays in its room while that is on the list, and goes with it", async () => {
    const { world, client } = await putOut([garden]);
    expect(stranded(client)).toEqual([]);
    expect(shown(client)).toEqual(["(unsent)"]);
    world.socket.says({ t: "room.removed", useq: 4, d: { roomId: ROOM } });
    expect(stranded(client)).toEqual(["unsent"]);
  });

  it("is nothing for the next person", async () => {
    const { world, client } = await putOut([]);
    expect(stranded(client)).toEqual(["unsent"]);
    world.socket.says({ t: "session.revoked" });
    expect(stranded(client)).toEqual([]);
  });
});
