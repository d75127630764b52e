// @vitest-environment happy-dom
import { act } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { message, ROOM, type Route } from "../../sdk/test/support.js";
import { isMentioned } from "../src/room/mentions.js";
import { emojiIn } from "../src/room/emoji.js";
import { telling, wanted } from "../src/notices.js";
import { BOB, inRoom, recent, room } from "./inroom.js";
import { ME, nothing, openPage, problem, screen, within } from "./support.js";

afterEach(() => vi.unstubAllGlobals());

describe("reactions", () => {
  it("are chosen by the keyboard alone, joined, left, and seen live", async () => {
    const { user, world, bubble, says } = await inRoom([message(1)]);
    bubble("text 1").getByRole("button", { name: "React" }).focus();
    await user.keyboard("{Enter}");
    expect(document.activeElement).toHaveProperty("title", "thumbs up");
    await user.keyboard("{ArrowRight}{Enter}");
    const heart = () => bubble("text 1").getByRole("button", { name: /^heart/ });
    expect(heart().getAttribute("aria-label")).toBe("heart, 1: you");
    expect(world.socket.last("reaction.add").d).toEqual({ id: "m1", emoji: "❤️" });
    await act(async () => world.socket.acks("reaction.add"));
    says({ t: "reaction.added", room: ROOM, seq: 101, d: { id: "m1", userId: ME.id, emoji: "❤️" } });
    says({ t: "reaction.added", room: ROOM, seq: 102, d: { id: "m1", userId: BOB.id, emoji: "❤️" } });
    await vi.waitFor(() => expect(heart().getAttribute("aria-label")).toBe("heart, 2: you and bob"));
    expect(heart().getAttribute("aria-pressed")).toBe("true");
    await user.click(heart());
    expect(heart().getAttribute("aria-label")).toBe("heart, 1: bob");
  });

  it("name who it was to whoever points at them or comes to them by the keyboard, also those who left", async () => {
    const lea = { id: "u-lea", username: "lea", email: "l@users.invalid", displayName: "Lea" };
    const gone = ["u-1", "u-2"];
    const reactions = [
      { emoji: "👍", count: 3, userIds: [BOB.id, ME.id, lea.id], isOwn: true },
      { emoji: "🔥", count: 32, userIds: [BOB.id, ...gone], isOwn: false },
    ];
    const ask = vi.fn(() => lea);
    const { user, bubble } = await inRoom([message(1, { reactions })], { routes: { "GET /users/u-lea": ask }, of: { archivedAt: "2026-01-01T00:00:00Z" } });
    const thumb = bubble("text 1").getByRole("button", { name: /^thumbs up/ });
    expect(thumb.getAttribute("aria-label")).toBe("thumbs up, 3: you, bob and 1 more");
    expect(bubble("text 1").getByRole("button", { name: /^fire/ }).getAttribute("aria-label")).toBe("fire, 32: bob and 31 more");
    // Nobody asks before somebody wants to know.
    await new Promise((done) => setTimeout(done, 700));
    expect(ask).not.toHaveBeenCalled();
    await user.hover(thumb);
    await screen.findByText("you, bob and Lea", { selector: ".tip" });
    expect(ask).toHaveBeenCalledTimes(1);
    expect(thumb.getAttribute("aria-label")).toBe("thumbs up, 3: you, bob and Lea");
    await user.unhover(thumb);
    expect(document.querySelector(".tip")).toBeNull();
    // Where nothing can be written they can be read all the same.
    act(() => thumb.focus());
    screen.getByText("you, bob and Lea", { selector: ".tip" });
    await user.keyboard("{Escape}");
    expect(document.querySelector(".tip")).toBeNull();
    expect(document.activeElement).toBe(thumb);
    await user.keyboard("{Enter}");
    expect(thumb.getAttribute("aria-pressed")).toBe("true");
  });

  it("take any emoji that is typed, and nothing else; a refusal is said and undone", async () => {
    const { user, world, bubble } = await inRoom([message(1)]);
    await user.click(bubble("text 1").getByRole("button", { name: "React" }));
    await user.type(screen.getByLabelText("Any other"), "yes{Enter}");
    screen.getByText("Enter one emoji.");
    await user.clear(screen.getByLabelText("Any other"));
    await user.type(screen.getByLabelText("Any other"), "🦔{Enter}");
    await bubble("text 1").findByRole("button", { name: "🦔, 1: you" });
    const { ref } = world.socket.last("reaction.add");
    await act(async () => world.socket.says({ t: "error", ref, d: { code: "roomArchived", message: "no", retryable: false } }));
    await screen.findByText(/^This room is archived/);
    expect(bubble("text 1").queryByRole("button", { name: /🦔/ })).toBeNull();
  });

  it.each([["👍", "👍"], [" 👩‍👩‍👧‍👦 ", "👩‍👩‍👧‍👦"], ["🇩🇪", "🇩🇪"], ["ok", null], ["👍👍", null], ["1", null], ["", null]])("%j is the emoji %j", (text, emoji) =>
    expect(emojiIn(text)).toBe(emoji),
  );
});

describe("replies", () => {
  it("are begun at a message, show what they answer, and are called off by Escape", async () => {
    const { user, world, bubble } = await inRoom([message(1)]);
    await user.click(bubble("text 1").getByRole("button", { name: "Reply" }));
    expect(screen.getByText(/^Reply to/).textContent).toBe("Reply to bob: text 1");
    await user.keyboard("{Escape}");
    expect(screen.queryByText(/^Reply to/)).toBeNull();
    await user.click(bubble("text 1").getByRole("button", { name: "Reply" }));
    await user.keyboard("indeed{Enter}");
    expect(world.socket.last("message.send").d).toMatchObject({ content: "indeed", replyTo: "m1" });
    const quote = bubble("indeed").getByRole("link", { name: "Answers bob: text 1" });
    expect(quote.getAttribute("href")).toBe(`#/rooms/${ROOM}/messages/m1`);
    expect(screen.queryByText(/^Reply to/)).toBeNull();
  });

  it("say so when what they answer is gone", async () => {
    await inRoom([message(5, { replyTo: "m2" })]);
    await screen.findByText("Answers a message that cannot be read any more");
  });

  it("stand together in a thread, which is written into beside the room", async () => {
    const root = message(1, { thread: { replies: 1, lastReplyAt: message(2).createdAt, participants: [BOB.id], unread: 1 } });
    const reply = recent(2, { replyTo: "m1", threadRoot: "m1", userId: ME.id });
    const read = vi.fn((_: { body: any }) => nothing());
    const { user, world, bubble } = await inRoom([root, reply], {
      routes: { "GET /messages/m1/thread": () => ({ root, messages: [reply], nextCursor: null }), "PUT /messages/m1/thread/read": read },
    });
    bubble("text 1").getByText("1 new");
    await user.click(bubble("text 1").getByRole("button", { name: /^1 reply/ }));
    const thread = within(await screen.findByRole("complementary", { name: "Thread" }));
    await thread.findByText("text 2");
    await vi.waitFor(() => expect(read.mock.calls[0]![0].body).toEqual({ seq: 2 }));
    await user.type(thread.getByRole("textbox", { name: "Reply in the thread" }), "more{Enter}");
    expect(world.socket.last("message.send").d).toMatchObject({ content: "more", replyTo: "m1" });
    thread.getByText("more");
    await user.click(thread.getAllByRole("button", { name: "More to do with this message" }).at(-1)!);
    await user.click(thread.getByRole("button", { name: /^Edit message/ }));
    expect(screen.getAllByRole("textbox", { name: "Edit message" })).toHaveLength(1);
    await user.keyboard("{Escape}");
    expect(screen.queryByRole("textbox", { name: "Edit message" })).toBeNull();
    await user.click(thread.getByRole("button", { name: "Close the thread" }));
    expect(screen.queryByRole("complementary", { name: "Thread" })).toBeNull();
  });
});

describe("a thread that began before one joined", () => {
  it("shows the replies since then, and is answered by the last of them", async () => {
    const reply = recent(7, { replyTo: "m2", threadRoot: "m2", content: "since" });
    const send = vi.fn();
    const view = await inRoom([reply], {
      routes: { "GET /messages/m7/thread": () => ({ messages: [reply], nextCursor: null, newerCursor: null }), "PUT /messages/m7/thread/read": () => nothing() },
    });
    await view.more("since", "Open thread");
    const thread = within(await screen.findByRole("complementary", { name: "Thread" }));
    await thread.findByText("The message that this thread began with is from before you joined.");
    thread.getByText("since");
    await view.user.type(thread.getByRole("textbox", { name: "Reply in the thread" }), "and now{Enter}");
    await vi.waitFor(() => send(view.world.socket.last("message.send")));
    expect(send.mock.calls.at(-1)![0]).toMatchObject({ d: { replyTo: "m7", content: "and now" } });
  });
});

describe("what people say whom one blocks", () => {
  const blocks = { "GET /users/me/blocks": () => ({ users: [BOB] }) };

  it("is hidden where others hear it too, until one asks for it", async () => {
    const answer = recent(2, { userId: ME.id, replyTo: "m1", content: "mine" });
    await inRoom([message(1), answer], { routes: blocks });
    await screen.findByText("Message of someone you blocked");
    expect(screen.queryByText("text 1")).toBeNull();
    screen.getByText("Answers a message of someone you blocked");
    act(() => screen.getByRole("button", { name: "Show" }).click());
    screen.getByText("text 1");
  });

  it("stays where it is in a conversation of two, in which nothing new is said", async () => {
    await inRoom([message(1)], { of: { kind: "direct", role: "member", isPrivate: true }, title: "bob", routes: blocks });
    await screen.findByText("You block this person: unblock in the settings to write again.");
    screen.getByText("text 1");
    expect(screen.queryByRole("button", { name: /^(React|Reply|Attach files)$/ })).toBeNull();
  });
});

describe("what can be done to a message", () => {
  const labels = async (text: string, view: Awaited<ReturnType<typeof inRoom>>) => {
    await view.user.click(view.bubble(text).getByRole("button", { name: "More to do with this message" }));
    const found = within(screen.getByRole("dialog", { name: "More to do with this message" })).getAllByRole("button");
    const names = found.map(({ textContent }) => textContent);
    await view.user.keyboard("{Escape}");
    return names;
  };

  it("depends on whose it is, on its age, and on what one is in the room", async () => {
    const own = recent(2, { userId: ME.id });
    const view = await inRoom([message(1), own, message(3, { userId: ME.id })], { of: { role: "member" } });
    expect(await labels("text 1", view)).toEqual(["Open thread", "Copy link", "Report"]);
    expect(await labels("text 2", view)).toEqual(["Open thread", "Copy link", "Edit message3 minutes left", "Delete message3 minutes left"]);
    expect(await labels("text 3", view)).toEqual(["Open thread", "Copy link"]);
  });

  it("is what is one's own at any time for whoever looks after the room", async () => {
    const view = await inRoom([message(1, { userId: ME.id }), recent(2, { userId: ME.id })]);
    for (const text of ["text 1", "text 2"]) {
      expect(await labels(text, view)).toEqual(["Open thread", "Copy link", "Pin", "Edit message", "Delete message"]);
    }
    await view.more("text 1", "Edit message");
    screen.getByText("Can be changed at any time");
  });

  it("is more for whoever looks after the room: pinning, and deleting with a reason", async () => {
    const pin = vi.fn(() => nothing());
    const remove = vi.fn((_: { path: string }) => nothing());
    const view = await inRoom([message(1)], { routes: { "PUT /messages/m1/pin": pin, "DELETE /messages/m1": remove } });
    expect(await labels("text 1", view)).toEqual(["Open thread", "Copy link", "Pin", "Report", "Delete message"]);
    await view.more("text 1", "Pin");
    await view.bubble("text 1").findByRole("img", { name: "Pinned" });
    await view.more("text 1", "Delete message");
    await view.user.type(screen.getByLabelText("Reason"), "off topic");
    await view.user.click(screen.getByRole("button", { name: "Delete" }));
    await screen.findByText("message deleted");
    expect(remove.mock.calls[0]![0].path).toBe("/messages/m1?reason=off+topic");
  });

  it("is to report it, with a reason", async () => {
    const report = vi.fn((_: { body: any }) => nothing());
    const { user, more } = await inRoom([message(1)], { routes: { "POST /messages/m1/report": report } });
    await more("text 1", "Report");
    await user.click(screen.getByRole("button", { name: "Report" }));
    screen.getByText("Say what is wrong with it.");
    await user.type(screen.getByLabelText("What is wrong with it?"), "rude{Enter}");
    await screen.findByText(/^It is reported\./);
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(report.mock.calls[0]![0].body).toEqual({ reason: "rude" });
  });
});

describe("what is pinned", () => {
  it("is listed, shown and let go", async () => {
    let pins = [message(7, { isPinned: true })];
    const { user } = await inRoom([message(7, { isPinned: true })], {
      routes: {
        [`GET /rooms/${ROOM}/pins`]: () => ({ messages: pins }),
        "DELETE /messages/m7/pin": () => ((pins = []), nothing()),
      },
    });
    const open = async () => {
      await user.click(screen.getByRole("button", { name: "More about this room" }));
      await user.click(screen.getByRole("button", { name: "Pinned messages" }));
      return within(screen.getByRole("dialog", { name: "Pinned messages" }));
    };
    await user.click(await (await open()).findByRole("button", { name: "Show" }));
    await vi.waitFor(() => expect(location.hash).toBe(`#/rooms/${ROOM}/messages/m7`));
    const dialog = await open();
    await user.click(await dialog.findByRole("button", { name: "Unpin: text 7" }));
    await dialog.findByText(/^Nothing is pinned/);
    await vi.waitFor(() => expect(document.activeElement).toBe(dialog.getByText("It is not pinned any more.")));
  });
});

describe("the search", () => {
  const hit = { message: message(20, { content: "the tomatoes" }), before: message(19), after: null };

  it("opens by Ctrl and K, asks with filters, and leads to what it finds", async () => {
    const asked: string[] = [];
    const search: Route = ({ path }) => (asked.push(new URL(path, "http://x").searchParams.get("query")!), { results: [hit], nextCursor: null });
    const { user } = await inRoom([message(20)], { routes: { "GET /messages/search": search } });
    await user.keyboard("{Control>}k{/Control}");
    const dialog = within(await screen.findByRole("dialog", { name: "Search" }));
    dialog.getByText("from:bob");
    await user.type(dialog.getByLabelText("Words and filters"), "tomatoes{Enter}");
    const found = await dialog.findByRole("link", { name: /the tomatoes/ });
    within(found).getByText("bob: text 19");
    expect(asked).toEqual(["in:Garden tomatoes"]);
    await user.click(found);
    await vi.waitFor(() => expect(screen.queryByRole("dialog", { name: "Search" })).toBeNull());
    expect(found.getAttribute("href")).toBe(`#/rooms/${ROOM}/messages/m20`);
  });

  it("names whoever wrote, also of a room that he left", async () => {
    const left = { ...hit, message: message(20, { content: "the tomatoes", userId: "u-left" }) };
    const { user } = await inRoom([], {
      routes: {
        "GET /messages/search": () => ({ results: [left], nextCursor: null }),
        "GET /users/u-left": () => ({ id: "u-left", username: "lea", email: "l@users.invalid" }),
      },
    });
    await user.click(screen.getByRole("button", { name: "Search messages" }));
    await user.type(await screen.findByLabelText("Words and filters"), "tomatoes{Enter}");
    await screen.findByText("lea", { selector: ".hit-text strong" });
  });

  it("says what is wrong with a question, and when nothing is found", async () => {
    const routes: Record<string, Route> = {
      "GET /messages/search": () => problem(400, "badRequest", { errors: [{ field: "query", message: "knows no filter form:" }] }),
    };
    const { user, world } = await inRoom([], { routes });
    await user.click(screen.getByRole("button", { name: "Search messages" }));
    const dialog = within(await screen.findByRole("dialog", { name: "Search" }));
    await user.type(dialog.getByLabelText("Words and filters"), "form:bob{Enter}");
    await dialog.findByText("Knows no filter form:.");
    world.routes.set("GET /messages/search", () => ({ results: [], nextCursor: null }));
    await user.type(dialog.getByLabelText("Words and filters"), "{Enter}");
    await dialog.findByText(/^Nothing is found for/);
    const asked = world.requests.length;
    await user.clear(dialog.getByLabelText("Words and filters"));
    await user.type(dialog.getByLabelText("Words and filters"), "a b{Enter}");
    dialog.getByText("Enter a word of at least two letters, or a filter.");
    expect(world.requests.slice(asked)).not.toContain("GET /messages/search");
  });
});

describe("the list of rooms", () => {
  it("shows at once who is mentioned elsewhere, and what is unread there", async () => {
    const other = room({ id: "room-2", name: "Shed", head: 9, memberCount: 3 });
    const { says } = await inRoom([message(1)], { routes: { "GET /rooms": () => [room(), other] } });
    const shed = () => screen.getByRole("link", { name: /Shed/ }).textContent;
    const bump = (d: object) => says({ t: "room.bump", room: "room-2", d });
    says({ t: "heads", d: { rooms: [{ room: "room-2", head: 9, messages: 4, received: 9, read: 9, unread: 0, mentions: 0 }], more: false } });
    expect(shed()).not.toMatch(/unread|mention/);
    bump({ head: 10, messages: 5 });
    expect(shed()).toContain("1 unread message");
    bump({ head: 10, messages: 5, received: 9, read: 9, unread: 1, mentions: 1 });
    expect(shed()).toContain("1 mention");
    // Written by oneself, elsewhere.
    bump({ head: 11, messages: 6, received: 11, read: 11, unread: 0, mentions: 0 });
    expect(shed()).not.toMatch(/unread|mention/);
    bump({ head: 12, messages: 6, memberCount: 4 });
    expect(shed()).toContain("4 members");
    expect(shed()).not.toMatch(/unread|mention/);
  });
});

describe("notices", () => {
  it("are chosen for each room, at once and for all devices", async () => {
    let settings: object = room().settings;
    const put = vi.fn(({ body }: { body: any }) => (settings = { mutedUntil: null, ...body }));
    const { user } = await inRoom([], { routes: { [`PUT /rooms/${ROOM}/settings`]: put } });
    await user.click(screen.getByRole("button", { name: "More about this room" }));
    await user.click(screen.getByRole("button", { name: "Notifications" }));
    const dialog = within(screen.getByRole("dialog", { name: "Notifications" }));
    await user.click(dialog.getByRole("radio", { name: /^Mentions only/ }));
    await user.click(dialog.getByRole("switch", { name: /^Favourite/ }));
    await vi.waitFor(() => expect(settings).toMatchObject({ notifications: "mentions", isFavourite: true }));
    await user.click(dialog.getByRole("button", { name: "Mute for 1 hour" }));
    await dialog.findByText(/^Muted until/);
    const link = screen.getByRole("link", { name: /Garden/, hidden: true });
    within(link).getByRole("img", { name: "favourite", hidden: true });
    within(link).getByRole("img", { name: "muted", hidden: true });
    await user.click(dialog.getByRole("button", { name: "Tell me again" }));
    await dialog.findByText("Mute the room for a while:");
  });

  it("are asked for by a click, and can be turned off", async () => {
    const ask = vi.fn(async () => "granted");
    vi.stubGlobal("Notification", Object.assign(class {}, { permission: "default", requestPermission: ask }));
    const { user } = openPage("#/settings/notifications");
    await screen.findByText("Notices are off in this browser.");
    expect(ask).not.toHaveBeenCalled();
    ask.mockImplementation(async () => ((Notification as any).permission = "granted"));
    await user.click(screen.getByRole("button", { name: "Turn notices on" }));
    await screen.findByText(/^Notices are on/);
    await user.click(screen.getByRole("button", { name: "Turn notices off" }));
    await screen.findByText("Notices are off in this browser.");
  });

  it("are given of what the room's settings let through", () => {
    const of = (settings: object) => room({ settings }) as any;
    const now = Date.parse("2026-11-20T08:00:00Z");
    const until = (time: string) => of({ notifications: "all", mutedUntil: time, isFavourite: false });
    expect(wanted(room() as any, now)).toBe("messages");
    expect(wanted(undefined, now)).toBeNull();
    expect(wanted(of({ notifications: "none" }), now)).toBeNull();
    expect(wanted(of({ notifications: "mentions" }), now)).toBe("mentions");
    expect([wanted(until("2026-11-20T09:00:00Z"), now), wanted(until("2026-11-20T07:00:00Z"), now)]).toEqual([null, "messages"]);
  });

  it("show the message that names somebody, where the server said that one does", () => {
    const said = [message(1), message(2, { content: "hey @alice" }), message(3)];
    expect(telling("messages", said, "alice")!.seq).toBe(3);
    expect(telling("mentions", said, "alice")!.seq).toBe(2);
    // Named by a message before these.
    expect(telling("mentions", said, "bob")!.seq).toBe(3);
  });

  it.each([
    ["@alice", true],
    ["hello @Alice!", true],
    ["(@alice)", true],
    ["@room look", true],
    ["alice", false],
    ["@alicent", false],
    ["me@alice.example", false],
  ])("%j names alice: %j", (text, named) => expect(isMentioned(text, "alice")).toBe(named));
});
