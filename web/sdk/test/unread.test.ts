// Unread messages and mentions: exact counts, and what is derived between them.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChatClient } from "../src/client.js";
import { CountBook } from "../src/counts.js";
import { created, inRoom, ME, message, problem, ROOM, settled, World } from "./support.js";
import type { LogEvent } from "../src/frames.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function book() {
  const counts = new CountBook({ me: () => ME.id, changed: () => {}, active: () => {} });
  const state = () => {
    const { head, unread, mentions } = counts.states.get(ROOM)!;
    return [head, unread, mentions];
  };
  return { counts, state };
}

const HEAD = { room: ROOM, head: 43, messages: 30, read: 40, received: 41, unread: 3, mentions: 1 };
const deleted = (seq: number, of: number, changes = {}): LogEvent => ({
  t: "message.deleted",
  room: ROOM,
  seq,
  d: message(of, { content: "", deletedAt: "2026-02-01T00:00:00.000Z", ...changes }),
});

describe("the count of a room at level bump", () => {
  it("is that of heads plus the messages since", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    expect(state()).toEqual([43, 3, 1]);
    // Of eight entries five are messages.
    counts.bump(ROOM, 51, 35);
    expect(state()).toEqual([51, 8, 1]);
    counts.bump(ROOM, 51, 35);
    counts.bump(ROOM, 50, 34);
    expect(state()).toEqual([51, 8, 1]);
  });

  it("is corrected by later exact counts", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.bump(ROOM, 51, 35);
    counts.exact(ROOM, { read: 49, received: 51, unread: 2, mentions: 0 });
    expect(state()).toEqual([51, 2, 0]);
    counts.bump(ROOM, 52, 36);
    expect(state()).toEqual([52, 3, 0]);
    counts.head({ ...HEAD, head: 52, messages: 36, read: 52, received: 52, unread: 0, mentions: 0 });
    expect(state()).toEqual([52, 0, 0]);
  });

  it("does not go back to heads that were written before what has come since", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.bump(ROOM, 51, 35);
    counts.head(HEAD);
    expect(state()).toEqual([51, 8, 1]);
    counts.connected();
    counts.head({ ...HEAD, head: 20, messages: 10, read: 20, unread: 0, mentions: 0 });
    expect(state()).toEqual([20, 0, 0]);
  });

  it("is nothing after an own message, whose bump does not count it either", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.readTo(ROOM, 44);
    expect(state()).toEqual([44, 0, 0]);
    counts.bump(ROOM, 44, 31);
    expect(state()).toEqual([44, 0, 0]);
    counts.bump(ROOM, 45, 32);
    expect(state()).toEqual([45, 1, 0]);
  });

  it("of a room that came without a count is estimated by its log", () => {
    const { counts, state } = book();
    counts.known(ROOM, 7);
    expect(state()).toEqual([7, 0, 0]);
    counts.bump(ROOM, 9, 4);
    expect(state()).toEqual([9, 2, 0]);
    counts.bump(ROOM, 12, 5);
    expect(state()).toEqual([12, 3, 0]);
  });
});

describe("what the server counts unasked", () => {
  const counted = (changes: object) => ({ head: 45, messages: 32, received: 43, read: 40, unread: 5, mentions: 2, ...changes });

  it("takes the place of what was derived", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.bump(ROOM, 45, 32);
    expect(state()).toEqual([45, 5, 1]);
    counts.counted(ROOM, counted({}), false);
    expect(state()).toEqual([45, 5, 2]);
    // One was deleted.
    counts.counted(ROOM, counted({ head: 46, unread: 4, mentions: 1 }), false);
    expect(state()).toEqual([46, 4, 1]);
    // Written on another device.
    counts.counted(ROOM, counted({ head: 47, messages: 33, read: 47, received: 47, unread: 0, mentions: 0 }), false);
    expect(state()).toEqual([47, 0, 0]);
    counts.bump(ROOM, 48, 34);
    expect(state()).toEqual([48, 1, 0]);
  });

  it("is counted on from when more has come before it", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.bump(ROOM, 47, 34);
    counts.counted(ROOM, counted({}), false);
    expect(state()).toEqual([47, 7, 2]);
  });

  it("does not bring back what was read here meanwhile", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.readTo(ROOM, 43);
    counts.counted(ROOM, counted({}), false);
    expect(state()).toEqual([45, 2, 0]);
    counts.counted(ROOM, counted({}), true);
    expect(state()).toEqual([45, 2, 0]);
  });

  it("of a room that is followed goes with its events, whichever comes first", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.event(created(44));
    counts.counted(ROOM, counted({}), true);
    counts.event(created(45));
    expect(state()).toEqual([45, 5, 2]);
    counts.event(created(46));
    counts.event(created(47));
    counts.counted(ROOM, counted({ head: 46, messages: 33, unread: 6, mentions: 3 }), true);
    expect(state()).toEqual([47, 7, 3]);
  });

  it("gives a room that was added a base: who comes in is no message", () => {
    const { counts, state } = book();
    counts.known(ROOM, 1);
    counts.counted(ROOM, { head: 1, messages: 0, received: 1, read: 1, unread: 0, mentions: 0 }, false);
    counts.bump(ROOM, 2, 0);
    expect(state()).toEqual([2, 0, 0]);
    counts.bump(ROOM, 3, 1);
    expect(state()).toEqual([3, 1, 0]);
  });
});

describe("the count of a room at level full", () => {
  it("has what lies between the last count and the head where the log was joined", () => {
    const { counts, state } = book();
    counts.head({ ...HEAD, head: 43, read: 43, unread: 0, mentions: 0 });
    counts.joined(ROOM, 45);
    counts.joined(ROOM, 44);
    counts.event(created(46));
    expect(state()).toEqual([46, 3, 0]);
  });

  it("follows the messages of others and begins anew with an own one", () => {
    const { counts, state } = book();
    counts.head({ ...HEAD, unread: 0, mentions: 0, read: 43 });
    counts.event(created(44));
    counts.event({ t: "reaction.added", room: ROOM, seq: 45, d: {} });
    counts.event(created(46));
    expect(state()).toEqual([46, 2, 0]);
    counts.event(created(47, { userId: ME.id }));
    expect(state()).toEqual([47, 0, 0]);
    // What bump counts on from is right again: one more is one unread.
    counts.bump(ROOM, 48, 34);
    expect(state()).toEqual([48, 1, 0]);
  });

  it("does not count again what heads or a bump counted", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.event(created(42));
    counts.event(created(43));
    expect(state()).toEqual([43, 3, 1]);
    counts.bump(ROOM, 44, 31);
    counts.event(created(44));
    expect(state()).toEqual([44, 4, 1]);
  });

  it("loses a message that is deleted, and only one that it counted", () => {
    const { counts, state } = book();
    counts.head(HEAD);
    counts.event(created(44));
    counts.event(deleted(45, 44));
    expect(state()).toEqual([45, 3, 1]);
    counts.event(deleted(46, 42));
    expect(state()).toEqual([46, 2, 1]);
    counts.event(deleted(47, 12));
    counts.event(deleted(48, 43, { userId: ME.id }));
    expect(state()).toEqual([48, 2, 1]);
    // A replay gives the message as it is now, and its deletion after it.
    counts.event(created(49, { content: "", deletedAt: "2026-02-01T00:00:00.000Z" }));
    counts.event(deleted(50, 49));
    expect(state()).toEqual([50, 2, 1]);
  });
});

const OTHER = "room-2";
const room = (id: string, name: string) => ({ id, name, isPrivate: false, head: 1, memberCount: 3 });

async function withTwoRooms() {
  const world = new World().loggedIn();
  world.routes.set("GET /rooms", () => [room(ROOM, "Alpha"), room(OTHER, "Beta")]);
  const setup = await inRoom(world);
  world.socket.says({
    t: "heads",
    d: {
      rooms: [
        { room: OTHER, head: 9, firstRetained: 1, messages: 9, received: 9, read: 7, unread: 2, mentions: 1 },
        { room: ROOM, head: 0, firstRetained: 1, messages: 0, received: 0, read: 0, unread: 0, mentions: 0 },
      ],
      more: false,
    },
  });
  const names = () => setup.client.rooms!.map(({ name }) => name);
  const unread = () => setup.client.roomStates.get(OTHER)!.unread;
  return { ...setup, names, unread };
}

describe("the client", () => {
  it("tells what is unread, and sorts the rooms by where something was said last", async () => {
    const { world, client, names, unread } = await withTwoRooms();
    expect(client.roomStates.get(OTHER)).toEqual({ head: 9, read: 7, unread: 2, mentions: 1 });
    expect(names()).toEqual(["Beta", "Alpha"]);
    world.socket.says(created(1));
    expect(names()).toEqual(["Alpha", "Beta"]);
    world.socket.says({ t: "room.bump", room: OTHER, d: { head: 11, messages: 10 } });
    expect(unread()).toBe(3);
    expect(names()).toEqual(["Beta", "Alpha"]);
    // An edit moves the head, and is no news.
    world.socket.says(created(2));
    world.socket.says({ t: "room.bump", room: OTHER, d: { head: 12, messages: 10 } });
    expect(names()).toEqual(["Alpha", "Beta"]);
  });

  it("keeps that order when heads come again", async () => {
    const { world, names } = await withTwoRooms();
    world.socket.says(created(1));
    const again = { room: OTHER, head: 9, firstRetained: 1, messages: 9, received: 9, read: 7, unread: 2, mentions: 1 };
    world.socket.says({ t: "heads", d: { rooms: [again], more: false } });
    expect(names()).toEqual(["Alpha", "Beta"]);
    world.socket.says({ t: "heads", d: { rooms: [{ ...again, head: 10, messages: 10, unread: 3 }], more: false } });
    expect(names()).toEqual(["Beta", "Alpha"]);
  });

  it("leaves a room that is followed event by event to its events", async () => {
    const { world, client } = await withTwoRooms();
    world.socket.says({ t: "room.bump", room: ROOM, d: { head: 1, messages: 1 } });
    expect(client.roomStates.get(ROOM)!.unread).toBe(0);
    world.socket.says(created(1));
    expect(client.roomStates.get(ROOM)!.unread).toBe(1);
  });

  it("hears of a mark moved on another device, once", async () => {
    const { world, unread } = await withTwoRooms();
    const moved = (useq: number, left: number) =>
      world.socket.says({ t: "mark.moved", useq, d: { roomId: OTHER, received: 9, read: 9 - left, unread: left, mentions: 0 } });
    moved(4, 1);
    expect(unread()).toBe(1);
    moved(4, 0);
    expect(unread()).toBe(1);
    world.socket.says({ t: "settings.updated", useq: 5, d: {} });
    moved(5, 0);
    expect(unread()).toBe(1);
    moved(6, 0);
    expect(unread()).toBe(0);
  });

  it("goes on with its user log where it was", async () => {
    const { world } = await withTwoRooms();
    world.socket.says({ t: "settings.updated", useq: 4, d: {} });
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(1000);
    world.socket.ready("e1", 9);
    expect(world.socket.last("resume").d.userAfter).toBe(4);
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(2000);
    world.socket.ready("e2", 1);
    world.socket.cut();
    await vi.advanceTimersByTimeAsync(5000);
    world.socket.ready("e2", 1);
    expect(world.socket.last("resume").d).toMatchObject({ epoch: "e2", userAfter: 1 });
  });

  it("hears who is mentioned in rooms near and far, and how many are in them", async () => {
    const { world, client } = await withTwoRooms();
    const counts = (roomId: string) => {
      const { unread, mentions } = client.roomStates.get(roomId)!;
      return [unread, mentions];
    };
    world.socket.says({ t: "room.bump", room: OTHER, d: { head: 10, messages: 10, received: 9, read: 7, unread: 3, mentions: 2 } });
    expect(counts(OTHER)).toEqual([3, 2]);
    world.socket.says(created(1));
    world.socket.says({ t: "room.bump", room: ROOM, d: { head: 1, messages: 1, received: 0, read: 0, unread: 1, mentions: 1 } });
    expect(counts(ROOM)).toEqual([1, 1]);
    world.socket.says({ t: "room.bump", room: OTHER, d: { head: 11, messages: 10, memberCount: 4 } });
    expect(client.rooms!.find(({ id }) => id === OTHER)!.memberCount).toBe(4);
    expect(counts(OTHER)).toEqual([3, 2]);
  });

  it("adds a room to its list by asking for it alone, and takes one off", async () => {
    const { world, client, names } = await withTwoRooms();
    world.routes.set("GET /rooms/room-3", () => room("room-3", "Gamma"));
    const lists = () => world.requests.filter((request) => request === "GET /rooms").length;
    const before = lists();
    world.socket.says({ t: "room.added", useq: 4, d: { roomId: "room-3" } });
    await settled();
    expect(names()).toEqual(["Gamma", "Beta", "Alpha"]);
    world.socket.says({ t: "room.removed", useq: 5, d: { roomId: OTHER } });
    world.socket.says({ t: "room.removed", useq: 6, d: { roomId: ROOM } });
    expect(names()).toEqual(["Gamma"]);
    expect(client.room(ROOM)).toBeNull();
    expect(client.roomStates.has(OTHER)).toBe(false);
    expect(lists()).toBe(before);
  });

  it("reads the whole list when a room cannot be had or something was missed", async () => {
    const { world, names } = await withTwoRooms();
    world.routes.set("GET /rooms/room-3", () => problem(503, "unavailable", { retryable: true }));
    world.routes.set("GET /rooms", () => [room(OTHER, "Beta"), room("room-3", "Gamma")]);
    world.socket.says({ t: "room.added", useq: 4, d: { roomId: "room-3" } });
    await vi.advanceTimersByTimeAsync(500);
    expect(names()).toEqual(["Gamma", "Beta"]);
    world.routes.set("GET /rooms", () => [room(ROOM, "Alpha")]);
    world.socket.says({ t: "settings.updated", useq: 9, d: {} });
    await vi.advanceTimersByTimeAsync(500);
    expect(names()).toEqual(["Alpha"]);
  });
});

describe("what came while nobody looked", () => {
  const head = (at: number, read: number, unread: number) => ({ t: "heads", d: { rooms: [{ room: ROOM, head: at, messages: at, received: read, read, unread, mentions: 0 }], more: false } });

  it("is known when a page is opened, though it is read at once", async () => {
    const world = new World().loggedIn();
    world.routes.set("GET /messages", () => ({ messages: [message(4), message(3)], nextCursor: null }));
    const client = new ChatClient(world.environment());
    client.start();
    client.openRoom(ROOM);
    client.reading(ROOM);
    await settled();
    world.socket.ready();
    world.socket.says(head(4, 2, 2));
    world.socket.joined(ROOM, 4);
    await settled();
    expect(client.roomStates.get(ROOM)!.unread).toBe(0);
    expect(client.room(ROOM)!.unseen).toEqual({ after: 2, to: 4 });
    // Seen as it comes.
    world.socket.says(created(5));
    expect(client.room(ROOM)!.unseen).toEqual({ after: 2, to: 4 });
  });

  it("is what came since, when somebody looks again, and nothing in a room that is opened anew", async () => {
    const { world, client } = await inRoom();
    world.socket.says(head(0, 0, 0));
    client.reading(ROOM);
    expect(client.room(ROOM)!.unseen).toBeNull();
    client.reading(null);
    world.socket.says(created(1));
    world.socket.says(created(2));
    client.reading(ROOM);
    expect(client.room(ROOM)!.unseen).toEqual({ after: 0, to: 2 });
    client.closeRoom(ROOM);
    client.openRoom(ROOM);
    expect(client.room(ROOM)!.unseen).toBeNull();
  });
});
