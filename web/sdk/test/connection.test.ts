import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../src/http.js";
import { Connection, type ConnectionPort, type ConnectionState } from "../src/connection.js";
import { closeMeaning } from "../src/closecodes.js";
import { encode, type HelloData } from "../src/frames.js";
import { settled, World } from "./support.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Setup {
  readonly world = new World();
  readonly states: ConnectionState[] = [];
  loggedOut = 0;
  lost = 0;
  readonly port = {
    ticket: vi.fn(async () => "t1"),
    refreshToken: vi.fn(async () => "access-2"),
    stateChanged: (state: ConnectionState) => void this.states.push(state),
    isMine: () => true,
    greeted: () => {},
    resumption: (hello: HelloData) => ({ epoch: hello.epoch, rooms: [] }),
    ready: () => {},
    resumeRefused: () => {},
    moved: () => {},
    movedOn: () => {},
    frame: () => {},
    lost: () => void (this.lost += 1),
    loggedOut: () => void (this.loggedOut += 1),
  } satisfies ConnectionPort;
  readonly connection = new Connection(this.world.environment(), this.port);

  get status() {
    return this.states.at(-1)!.status;
  }

  get socket() {
    return this.world.socket;
  }

  async ready() {
    this.connection.start();
    await settled();
    this.socket.ready();
    return this;
  }
}

describe("the meaning of a close code", () => {
  it.each([
    [4000, "stop"], [4005, "stop"], [4042, "stop"],
    [4100, "backoff"], [4106, "backoff"], [4199, "backoff"],
    [4200, "serverDelay"], [4277, "serverDelay"],
    [4300, "newCredentials"], [4301, "newCredentials"], [4302, "newCredentials"], [4399, "newCredentials"],
    [4303, "loggedOut"],
    [1000, "backoff"], [1001, "backoff"], [1006, "backoff"], [undefined, "backoff"],
  ])("%s is %s", (code, meaning) => expect(closeMeaning(code)).toBe(meaning));
});

describe("a connection", () => {
  it("offers the protocol and a ticket, and is ready after hello and ready", async () => {
    const setup = await new Setup().ready();
    expect(setup.socket.protocols).toEqual(["chat.v1.json", "ticket.t1"]);
    expect(setup.status).toBe("ready");
  });

  it("pings first after a random part of the heartbeat, then each heartbeat", async () => {
    const setup = await new Setup().ready();
    await vi.advanceTimersByTimeAsync(12_500);
    expect(setup.socket.all("ping")).toHaveLength(1);
    setup.socket.says({ t: "pong", ref: setup.socket.last("ping").ref, d: { heads: [] } });
    await vi.advanceTimersByTimeAsync(25_000);
    expect(setup.socket.all("ping")).toHaveLength(2);
  });

  it("gives up a socket that leaves a ping unanswered for ten seconds", async () => {
    const setup = await new Setup().ready();
    await vi.advanceTimersByTimeAsync(12_500 + 10_000);
    expect(setup.status).toBe("waiting");
    expect(setup.socket.closedWith).toBe(3000);
    expect(setup.lost).toBe(1);
  });

  it("comes back with jittered, doubling delays up to a minute", async () => {
    const setup = new Setup();
    setup.port.ticket.mockRejectedValue(new ApiError({ status: 0, code: "network", title: "", retryable: true }));
    setup.connection.start();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      await settled();
      const state = setup.states.at(-1)!;
      if (state.status !== "waiting") throw new Error(state.status);
      delays.push(state.retryAt - Date.now());
      await vi.advanceTimersByTimeAsync(delays.at(-1)!);
    }
    // The random source stands at one half.
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it("starts the backoff anew only after a connection that lasted", async () => {
    const setup = await new Setup().ready();
    setup.socket.cut();
    await vi.advanceTimersByTimeAsync(500);
    setup.socket.ready();
    setup.socket.cut(4101);
    await vi.advanceTimersByTimeAsync(999);
    expect(setup.world.sockets).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(setup.world.sockets).toHaveLength(3);
    setup.socket.ready();
    await vi.advanceTimersByTimeAsync(10_000);
    setup.socket.cut();
    await vi.advanceTimersByTimeAsync(500);
    expect(setup.world.sockets).toHaveLength(4);
  });

  it("waits as long as a refused ticket asks", async () => {
    const setup = new Setup();
    setup.port.ticket.mockRejectedValueOnce(
      new ApiError({ status: 429, code: "rateLimited", title: "", retryable: true, retryAfterMs: 7000 }),
    );
    setup.connection.start();
    await vi.advanceTimersByTimeAsync(6999);
    expect(setup.world.sockets).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(setup.world.sockets).toHaveLength(1);
  });

  it("reconnects at once when the network or the page comes back", async () => {
    const setup = await new Setup().ready();
    setup.world.randomValue = 1;
    setup.socket.cut();
    setup.world.wake();
    await settled();
    expect(setup.world.sockets).toHaveLength(2);
  });

  it("asks for another ticket when the page comes back and one was asked for in vain", async () => {
    const setup = new Setup();
    setup.port.ticket.mockReturnValueOnce(new Promise(() => {}));
    setup.connection.start();
    // Browsers tell of a page that was just loaded, too.
    setup.world.wake();
    expect(setup.port.ticket).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(2_000);
    setup.world.wake();
    setup.world.wake();
    await settled();
    expect(setup.port.ticket).toHaveBeenCalledTimes(2);
    expect(setup.world.sockets).toHaveLength(1);
  });

  it("probes a ready socket when the page comes back", async () => {
    const setup = await new Setup().ready();
    setup.world.wake();
    expect(setup.socket.all("ping")).toHaveLength(1);
  });

  it("moves away from a draining server after the delay it gave", async () => {
    const setup = await new Setup().ready();
    setup.socket.says({ t: "server.draining", d: { delayMs: 1830, deadline: "2026-01-01T00:00:00.000Z" } });
    await vi.advanceTimersByTimeAsync(1829);
    expect(setup.world.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(setup.world.sockets).toHaveLength(2);
  });

  it("keeps to that delay when the server closes before it is over", async () => {
    const setup = await new Setup().ready();
    setup.socket.says({ t: "server.draining", d: { delayMs: 3000 } });
    await vi.advanceTimersByTimeAsync(1000);
    setup.socket.cut(4200);
    await vi.advanceTimersByTimeAsync(1999);
    expect(setup.world.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(setup.world.sockets).toHaveLength(2);
  });

  it("answers auth.expiring with a fresh access token", async () => {
    const setup = await new Setup().ready();
    setup.socket.says({ t: "auth.expiring", d: {} });
    await settled();
    expect(setup.socket.last("auth.refresh").d).toEqual({ token: "access-2" });
  });

  it("gets new credentials before it returns from a 43xx", async () => {
    const setup = await new Setup().ready();
    setup.socket.cut(4301);
    await settled();
    expect(setup.port.refreshToken).toHaveBeenCalledOnce();
    expect(setup.world.sockets).toHaveLength(2);
  });

  it("does not hammer a server that refuses credentials again and again", async () => {
    const setup = await new Setup().ready();
    setup.socket.cut(4302);
    await settled();
    setup.socket.cut(4302);
    await settled();
    expect(setup.world.sockets).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect(setup.world.sockets).toHaveLength(3);
  });

  it("is over after 4303 and after session.revoked", async () => {
    const closed = await new Setup().ready();
    closed.socket.cut(4303);
    const told = await new Setup().ready();
    told.socket.says({ t: "session.revoked", d: {} });
    for (const setup of [closed, told]) {
      expect(setup.loggedOut).toBe(1);
      await vi.advanceTimersByTimeAsync(120_000);
      expect(setup.world.sockets).toHaveLength(1);
    }
  });

  it("stops after a 40xx and says what to do", async () => {
    const setup = await new Setup().ready();
    setup.socket.cut(4002);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(setup.world.sockets).toHaveLength(1);
    expect(setup.states.at(-1)).toEqual({ status: "stopped", reason: expect.stringContaining("Reload") });
  });

  it("gives up a socket that never becomes ready", async () => {
    const setup = new Setup();
    setup.connection.start();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(setup.status).toBe("waiting");
  });

  it("answers requests by their ref, and with null when it is cut first", async () => {
    const setup = await new Setup().ready();
    const answered = vi.fn();
    const abandoned = vi.fn();
    setup.connection.request(encode.ping, answered);
    setup.connection.request(encode.ping, abandoned);
    setup.socket.says({ t: "pong", ref: setup.socket.all("ping")[0]!.ref, d: { heads: [] } });
    setup.socket.cut();
    expect(answered).toHaveBeenCalledWith(expect.objectContaining({ kind: "pong" }));
    expect(abandoned).toHaveBeenCalledExactlyOnceWith(null);
  });
});
