// What a room costs that much is said in: views, sorts, and messages kept.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { created, inRoom, message, pageOf, ROOM, seeded, settled, shown, World } from "./support.js";
import { Timeline } from "../src/timeline.js";
import type { ChatClient } from "../src/client.js";
import type { Message } from "../src/types.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Counts how often anything is sorted. */
function sorts(): () => number {
  const { calls } = vi.spyOn(Array.prototype, "sort").mock;
  return () => calls.length;
}

describe("many events", () => {
  it("make a view for the first at once, and one for all that follow on its heels", async () => {
    const { world, client } = await inRoom();
    await vi.advanceTimersByTimeAsync(1_000);
    const views = new Set<object>();
    client.on(`room:${ROOM}`, () => views.add(client.room(ROOM)!));
    world.socket.says(created(1));
    expect(views.size).toBe(1);
    for (let seq = 2; seq <= 300; seq += 1) world.socket.says(created(seq));
    expect(views.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(views.size).toBe(2);
    expect([...views].at(-1)).toMatchObject({ entries: { length: 300 } });
    // Who looks by himself sees what is, not what was told.
    world.socket.says(created(301));
    world.socket.says(created(302));
    expect(shown(client).at(-1)).toBe("text 302");
  });

  it("are put to the end without sorting what is before them", () => {
    const timeline = new Timeline(ROOM);
    timeline.subscribed({ mode: "uptodate", head: 0 });
    timeline.mergePage({ messages: [], nextCursor: null });
    timeline.messages();
    const sorted = sorts();
    for (let seq = 1; seq <= 300; seq += 1) {
      timeline.apply(created(seq));
      timeline.fold({ t: "message.pinned", room: ROOM, seq, d: { messageId: `m${Math.ceil(seq / 2)}` } });
      expect(timeline.messages()).toHaveLength(seq);
    }
    expect(sorted()).toBe(0);
    expect(timeline.messages().map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    expect(timeline.messages().filter(({ isPinned }) => isPinned)).toHaveLength(150);
  });

  it("stand in their places whatever comes between, in whatever order, whether somebody looks meanwhile or not", () => {
    for (let seed = 1; seed <= 1_000; seed += 1) {
      const random = seeded(seed);
      const timelines = [new Timeline(ROOM), new Timeline(ROOM)];
      const [looked] = timelines;
      const both = (act: (timeline: Timeline) => void) => timelines.forEach(act);
      both((timeline) => timeline.mergePage({ messages: [message(20)], nextCursor: "older" }));
      for (let step = 0; step < 20; step += 1) {
        const seq = 1 + Math.floor(random() * 40);
        const kind = random();
        if (kind < 0.2) both((timeline) => timeline.change(`m${seq}`, (m) => ({ ...m, content: `changed ${step}` })));
        else if (kind < 0.3) both((timeline) => timeline.mergeAround({ messages: [message(seq + 1), message(seq)], nextCursor: "o", newerCursor: "n" }));
        else if (kind < 0.4) both((timeline) => timeline.leaveAside());
        else both((timeline) => timeline.store(message(seq)));
        looked!.messages();
      }
      const [one, other] = timelines.map((timeline) => timeline.messages());
      expect(one, `seed ${seed}`).toEqual(other);
    }
  });
});

/** Between two moments at which old ones are let go. */
const MOST = 500;

const numbers = (client: ChatClient) => client.room(ROOM)!.entries.map((entry) => (entry.kind === "message" ? entry.message.seq : NaN));
const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

/** In a room in which so much was said; `says` goes on, and the pages know of it. */
async function inBusyRoom(before: number, write: (seq: number) => Message = message) {
  const world = new World().loggedIn();
  const log = upTo(before).map(write);
  world.routes.set("GET /messages", ({ path }) => pageOf(log, path));
  const { client } = await inRoom(world, before);
  const says = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      const next = write(log.length + 1);
      log.push(next);
      world.socket.says({ t: "message.created", room: ROOM, seq: next.seq, d: next });
    }
  };
  const toTheBeginning = async () => {
    while (client.room(ROOM)!.hasOlder) await client.loadOlder(ROOM);
  };
  return { world, client, log, says, toTheBeginning };
}

describe("a room at whose end one stands", () => {
  it("keeps the newest messages, and all others are there again for whoever goes up", async () => {
    const { client, says, toTheBeginning } = await inBusyRoom(0);
    client.messages.following(ROOM);
    const sorted = sorts();
    for (let n = 0; n < 100; n += 1) {
      says(100);
      expect(client.room(ROOM)!.entries.length).toBeLessThanOrEqual(MOST);
      expect(numbers(client).at(-1)).toBe((n + 1) * 100);
    }
    // Once in many events, whatever it is that is sorted.
    expect(sorted()).toBeLessThan(200);
    expect(client.room(ROOM)!.hasOlder).toBe(true);
    client.messages.following(null);
    await toTheBeginning();
    expect(numbers(client)).toEqual(upTo(10_000));
  });

  it("keeps all that is before his eyes for who stands further up, and lets go once he is back", async () => {
    const { client, says } = await inBusyRoom(0);
    client.messages.following(null);
    says(2_000);
    expect(numbers(client)).toEqual(upTo(2_000));
    client.messages.following(ROOM);
    expect(numbers(client)).toEqual(upTo(2_000).slice(-250));
  });

  it("is as small when it was left", async () => {
    const { client, says, toTheBeginning } = await inBusyRoom(0);
    says(2_000);
    client.closeRoom(ROOM);
    expect(numbers(client)).toEqual(upTo(2_000).slice(-250));
    says(2_000);
    expect(client.room(ROOM)!.entries.length).toBeLessThanOrEqual(MOST);
    client.openRoom(ROOM);
    await toTheBeginning();
    expect(numbers(client)).toEqual(upTo(4_000));
  });

  it("knows what is answered, and the thread that is open, though they are old", async () => {
    const answer = (replyTo: string) => ({ replyTo, threadRoot: replyTo });
    const reply = (seq: number) => message(seq, seq % 10 === 0 ? answer("m1") : seq % 10 === 5 ? answer("m3") : {});
    const { world, client, says } = await inBusyRoom(40, reply);
    world.routes.set("GET /messages/m1/thread", () => ({ root: message(1), messages: [40, 30, 20, 10].map(reply), nextCursor: null }));
    client.messages.following(ROOM);
    client.messages.openThread(ROOM, "m1");
    await settled();
    says(2_000);
    await settled();
    const { quotes, thread, entries } = client.room(ROOM)!;
    expect(entries.length).toBeLessThanOrEqual(MOST);
    expect([quotes.get("m1")?.content, quotes.get("m3")?.content]).toEqual(["text 1", "text 3"]);
    expect(thread!.root?.id).toBe("m1");
    expect(thread!.entries).toHaveLength(204);
    expect(world.requests.filter((key) => key.startsWith("GET /messages/m"))).toEqual(["GET /messages/m1/thread"]);
  });

  it("keeps a place away from the end as it is, which grows until it meets the end", async () => {
    const { client, says } = await inBusyRoom(1_000);
    await client.messages.jumpTo(ROOM, "m500");
    const there = numbers(client);
    // Nobody stands at the end, but who leaves the room for a moment.
    client.closeRoom(ROOM);
    says(2_000);
    client.openRoom(ROOM);
    expect(numbers(client)).toEqual(there);
    while (client.room(ROOM)!.hasNewer) await client.messages.loadNewer(ROOM);
    expect(numbers(client)).toEqual(upTo(3_000).slice(there[0]! - 1));
  });
});

it("a place that is left while what is before it is on its way leaves no hole at the end", async () => {
  const { world, client } = await inBusyRoom(1_000);
  await client.messages.jumpTo(ROOM, "m500");
  const pages = world.routes.get("GET /messages")!;
  let come!: () => void;
  world.routes.set("GET /messages", (request) => new Promise<object>((resolve) => (come = () => resolve(pages(request)))));
  const older = client.loadOlder(ROOM);
  client.messages.jumpToEnd(ROOM);
  await settled();
  come();
  await older;
  expect(numbers(client)).toEqual(upTo(1_000).slice(-50));
});

describe("coming back after long", () => {
  /** Away while so much was said, and answered as servers do: so many events at a time. */
  async function back(missed: number, place: string | null) {
    const room = await inBusyRoom(100);
    const { world, client, log } = room;
    client.messages.following(place);
    world.socket.cut();
    for (let n = 0; n < missed; n += 1) log.push(message(log.length + 1));
    await vi.advanceTimersByTimeAsync(1_000);
    world.socket.ready();
    const counts = { received: 100, read: 100, unread: missed, mentions: 2 };
    world.socket.says({ t: "heads", d: { rooms: [{ room: ROOM, head: log.length, firstRetained: 1, messages: log.length, ...counts }], more: false } });
    const replay = (from: number, d: object = {}) => {
      const to = Math.min(from + 499, log.length);
      world.socket.joined(ROOM, log.length, { mode: "replay", from, to, more: to < log.length, ...d });
      for (let seq = from; seq <= to; seq += 1) world.socket.says(created(seq));
    };
    replay(101, { ref: undefined });
    await settled();
    return { ...room, replay, unread: () => client.roomStates.get(ROOM)!.unread };
  }

  it("shows the newest messages, asks for what comes after them alone, and has the others as pages", async () => {
    const { world, client, log, says, toTheBeginning, unread } = await back(5_000, ROOM);
    expect(world.socket.last("room.subscribe").d).toEqual({ level: "full", after: 5_100 });
    expect(numbers(client)).toEqual(upTo(5_100).slice(-50));
    expect(unread()).toBe(5_000);
    expect(client.room(ROOM)!.catchingUp).toBe(false);
    log.push(message(5_101));
    world.socket.joined(ROOM, 5_101, { mode: "replay", from: 5_101, to: 5_101 });
    world.socket.says(created(5_101));
    says(10);
    expect(unread()).toBe(5_011);
    client.messages.following(null);
    await toTheBeginning();
    expect(numbers(client)).toEqual(upTo(5_111));
    expect(client.protocolFaults).toEqual({ repeats: 0, gaps: 0 });
  });

  it.each([
    ["who stands further up, and loses nothing that he sees", 1_500, null],
    ["who missed less than a thousand", 899, ROOM],
  ])("replays all events to one %s", async (_, missed, place) => {
    const { world, client, log, replay, unread } = await back(missed, place);
    expect(numbers(client).at(-1)).toBe(600);
    for (let from = 601; from <= log.length; from += 500) {
      expect(world.socket.last("room.subscribe").d).toEqual({ level: "full", after: from - 1 });
      replay(from);
    }
    expect(numbers(client)).toEqual(upTo(100 + missed).slice(-client.room(ROOM)!.entries.length));
    if (place === null) expect(numbers(client)[0]).toBe(51);
    expect(unread()).toBe(missed);
  });

  it("reads the open thread anew, and who is in the room", async () => {
    const { world, client, log } = await inBusyRoom(10);
    const reply = message(9, { replyTo: "m1", threadRoot: "m1" });
    world.routes.set("GET /messages/m1/thread", () => ({ root: message(1), messages: [reply], nextCursor: null }));
    client.messages.openThread(ROOM, "m1");
    client.messages.following(ROOM);
    await settled();
    world.socket.cut();
    for (let n = 0; n < 2_000; n += 1) log.push(message(log.length + 1));
    await vi.advanceTimersByTimeAsync(1_000);
    world.socket.ready();
    world.requests.length = 0;
    world.socket.joined(ROOM, 2_010, { ref: undefined, mode: "replay", from: 11, to: 510, more: true });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(client.room(ROOM)!.thread!.entries).toHaveLength(1);
    expect(world.requests).toEqual(expect.arrayContaining(["GET /messages/m1/thread", `GET /rooms/${ROOM}/members`]));
  });
});

/** Somebody moves about in a busy room; a page is read when it is asked for, and comes whenever it comes. */
async function walk(seed: number): Promise<void> {
  const random = seeded(seed);
  const pick = (most: number) => Math.floor(random() * most);
  const world = new World().loggedIn();
  const said: Message[] = [];
  let head = 0;
  const write = () => {
    said.push(message((head += 1)));
    return { t: "message.created", room: ROOM, seq: head, d: said.at(-1) };
  };
  const edit = () => {
    const which = pick(said.length);
    const updatedAt = message((head += 1)).createdAt;
    said[which] = { ...said[which]!, content: `changed by ${head}`, updatedAt };
    return { t: "message.updated", room: ROOM, seq: head, d: said[which] };
  };
  for (let n = 100 + pick(600); n > 0; n -= 1) write();
  world.routes.set("GET /messages", ({ path }) => pageOf(said, path));
  const { client } = await inRoom(world, head);
  const late: (() => void)[] = [];
  world.routes.set("GET /messages", ({ path }) => {
    const page = pageOf(said, path);
    return new Promise<object>((come) => late.push(() => come(page)));
  });

  const steps: [number, () => void][] = [
    [8, () => upTo(pick(100)).forEach(() => world.socket.says(random() < 0.8 ? write() : edit()))],
    [3, () => client.messages.following(random() < 0.7 ? ROOM : null)],
    [3, () => void client.loadOlder(ROOM)],
    [3, () => void client.messages.loadNewer(ROOM)],
    [1, () => void client.messages.jumpTo(ROOM, said[pick(said.length)]!.id)],
    [1, () => client.messages.jumpToEnd(ROOM)],
    [1, () => (client.closeRoom(ROOM), client.openRoom(ROOM))],
    [6, () => late.splice(pick(late.length), 1)[0]?.()],
  ];
  const kinds = steps.flatMap(([times, step]) => Array.from({ length: times }, () => step));
  for (let n = 0; n < 80; n += 1) {
    kinds[pick(kinds.length)]!();
    await settled();
    const { hasOlder, hasNewer } = client.room(ROOM)!;
    const there = client.room(ROOM)!.entries.map((entry) => (entry.kind === "message" ? entry.message : null));
    const first = said.findIndex(({ id }) => id === there[0]?.id);
    const expected = said.slice(first, first + there.length);
    const text = (message: Message | null | undefined) => `${message?.seq}: ${message?.content}`;
    expect(there.map(text), `seed ${seed}, step ${n}: without a hole`).toEqual(expected.map(text));
    if (!hasOlder) expect(first, `seed ${seed}, step ${n}: from the beginning`).toBe(0);
    if (!hasNewer) expect(text(there.at(-1)), `seed ${seed}, step ${n}: to the end`).toBe(text(said.at(-1)));
  }
}

it("what is shown has no hole and is as new as can be, whatever is let go, and wherever one goes", async () => {
  for (let seed = 1; seed <= 80; seed += 1) {
    await walk(seed);
    vi.clearAllTimers();
  }
}, 60_000);
