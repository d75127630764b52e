// @vitest-environment happy-dom
import { act, cleanup, fireEvent } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { message, ROOM } from "../../sdk/test/support.js";
import { BOB, inRoom, recent } from "./inroom.js";
import { ME, screen, within } from "./support.js";

describe("what one may send", () => {
  it("is as long as the server says", async () => {
    const { user, world } = await inRoom([], { limits: { contentChars: 12 } });
    const field = screen.getByRole("textbox", { name: /^Message to/ });
    await user.type(field, "thirteen long{Enter}");
    screen.getByText("1 character too many. Shorten the message.");
    expect(world.socket.all("message.send")).toEqual([]);
    await user.type(field, "{Backspace}");
    screen.getByText("0 characters left");
    await user.type(field, "{Enter}");
    expect(world.socket.last("message.send").d).toMatchObject({ content: "thirteen lon" });
  });

  it("is held back in slow mode, and the wait is told", async () => {
    const { user, world } = await inRoom([recent(1, { userId: ME.id })], { of: { role: "member", slowModeSeconds: 300 } });
    await screen.findByText(/^Slow mode: you can send again in 4 minutes\.$/);
    await user.type(screen.getByRole("textbox", { name: "Message to Garden" }), "again{Enter}");
    expect(world.socket.all("message.send")).toHaveLength(0);
    expect(screen.getByRole("button", { name: "Send message" })).toHaveProperty("disabled", true);
  });

  it("is free for who looks after the room, and named for the others", async () => {
    await inRoom([], { of: { slowModeSeconds: 300 } });
    expect(screen.queryByText(/^Slow mode/)).toBeNull();
  });

  it("is nothing after a reload while one is muted, however many are in the room", async () => {
    const mutedUntil = new Date(Date.now() + 3_600_000).toISOString();
    const routes = { [`GET /rooms/${ROOM}/members`]: () => ({ members: [BOB], nextCursor: "more" }) };
    const { world } = await inRoom([], { of: { role: "member", memberCount: 4_000, members: [], mutedUntil, muteReason: "spam" }, routes });
    screen.getByText(/^You are muted until .* The reason: spam$/);
    const field = screen.getByRole("textbox", { name: "Message to Garden" });
    expect(field).toHaveProperty("readOnly", true);
    fireEvent.keyDown(field, { key: "Enter" });
    expect(world.socket.all("message.send")).toEqual([]);
  });
});

/** Time goes by as ever, and by leaps. */
const quicken = () => vi.useFakeTimers({ shouldAdvanceTime: true });
const passes = (ms: number) => act(() => vi.advanceTimersByTimeAsync(Math.max(0, ms)));
afterEach(() => void vi.useRealTimers());

describe("who is muted", () => {
  const muted = (seconds: number) => ({ userId: ME.id, role: "member", mutedUntil: new Date(Date.now() + seconds * 1_000).toISOString(), by: BOB.id });
  /** Told by the log, and by the list of members, which is read again then. */
  const mute = ({ world, says }: Awaited<ReturnType<typeof inRoom>>, seconds: number, reason?: string) => {
    const d = { ...muted(seconds), reason };
    world.routes.set(`GET /rooms/${ROOM}/members`, () => ({ members: [{ ...ME, mutedUntil: d.mutedUntil }, BOB], nextCursor: null }));
    says({ t: "member.updated", room: ROOM, seq: 101, d });
    return Date.parse(d.mutedUntil);
  };
  const reactions = [
    { emoji: "👍", count: 1, userIds: [ME.id], isOwn: true },
    { emoji: "🔥", count: 1, userIds: [BOB.id], isOwn: false },
  ];
  const choices = async ({ user, bubble }: Awaited<ReturnType<typeof inRoom>>, text: string) => {
    const more = bubble(text).getByRole("button", { name: "More to do with this message" });
    await user.click(more);
    const names = within(bubble(text).getByRole("dialog")).getAllByRole("button").map(({ textContent }) => textContent);
    await user.click(more);
    return names;
  };

  it("is offered nothing that would be refused, is told why and until when, and may take back what was his", async () => {
    const opened = await inRoom([recent(1, { reactions }), recent(2, { userId: ME.id })], { of: { role: "member" } });
    const { user, world, bubble } = opened;
    mute(opened, 3_600, "too many watches");
    await screen.findByText(/^You are muted until .*: you can read, and write again then\. The reason: too many watches$/);
    for (const name of ["React", "Reply", "Attach files"]) expect(screen.queryByRole("button", { name })).toBeNull();
    expect(await choices(opened, "text 1")).toEqual(["Open thread", "Copy link", "Report"]);
    expect(await choices(opened, "text 2")).toEqual(["Open thread", "Copy link", expect.stringMatching(/^Delete message/)]);
    fireEvent.keyDown(screen.getByRole("textbox", { name: "Message to Garden" }), { key: "ArrowUp" });
    expect(screen.queryByRole("textbox", { name: "Edit message" })).toBeNull();

    const files = { types: ["Files"], files: [new File(["x"], "x.png", { type: "image/png" })] };
    fireEvent.drop(screen.getByRole("region", { name: "Messages in Garden" }), { dataTransfer: files });
    fireEvent.paste(screen.getByRole("textbox", { name: "Message to Garden" }), { clipboardData: files });
    expect(screen.queryByText("x.png")).toBeNull();

    await user.click(bubble("text 1").getByRole("button", { name: /^fire/ }));
    expect(world.socket.all("reaction.add")).toEqual([]);
    await user.click(bubble("text 1").getByRole("button", { name: /^thumbs up/ }));
    expect(world.socket.last("reaction.remove").d).toEqual({ id: "m1", emoji: "👍" });
  });

  it("may write again when the time is over, by itself, and what was begun is still there", async () => {
    quicken();
    const opened = await inRoom([recent(1)], { of: { role: "member" } });
    const { user } = opened;
    const field = screen.getByRole("textbox", { name: "Message to Garden" });
    await user.type(field, "but my seeds");
    const until = mute(opened, 3_610);
    screen.getByText(/^You are muted until/);
    expect(field).toHaveProperty("value", "but my seeds");
    // The second leap ends where it should: the first takes a while.
    for (const before of [60_000, 2_000]) await passes(until - Date.now() - before);
    screen.getByText(/^You are muted until/);
    await passes(2_100);
    expect(screen.queryByText(/^You are muted until/)).toBeNull();
    expect(field).toHaveProperty("readOnly", false);
    screen.getByRole("button", { name: "React" });
    await user.type(field, " then{Enter}");
    await screen.findByText("but my seeds then", { selector: ".message-text, .message-text *" });
  });

  it("may write again when it is lifted, also where the list of rooms says otherwise", async () => {
    const { mutedUntil } = muted(3_600);
    const routes = { [`GET /rooms/${ROOM}/members`]: () => ({ members: [{ ...ME, mutedUntil }, BOB], nextCursor: null }) };
    const { world, says } = await inRoom([], { of: { role: "member", mutedUntil }, routes });
    await screen.findByText(/^You are muted until/);
    world.routes.set(`GET /rooms/${ROOM}/members`, () => ({ members: [ME, BOB], nextCursor: null }));
    says({ t: "member.updated", room: ROOM, seq: 101, d: { ...muted(0), mutedUntil: null } });
    await vi.waitFor(() => expect(screen.queryByText(/^You are muted until/)).toBeNull());
  });

  it("keeps a change that was begun, to be copied, and saves nothing", async () => {
    const opened = await inRoom([recent(2, { userId: ME.id })], { of: { role: "member" } });
    const { user, world, more } = opened;
    await more("text 2", /^Edit message/);
    await user.type(screen.getByLabelText("Edit message"), " and more");
    mute(opened, 3_600);
    screen.getByText(/^While you cannot write here, nothing can be changed either\. Nothing was saved/);
    await user.type(screen.getByLabelText("Edit message"), "{Enter}");
    expect(screen.getByLabelText("Edit message")).toHaveProperty("value", "text 2 and more");
    expect(world.socket.all("message.edit")).toEqual([]);
    screen.getByRole("button", { name: "Copy the text" });
  });

  it("is asked for no second try of what was refused", async () => {
    const { user, world, says } = await inRoom([], { of: { role: "member" } });
    await user.type(screen.getByRole("textbox", { name: "Message to Garden" }), "too late{Enter}");
    const d = { code: "forbidden", message: "you are muted in this room", retryable: false, retryAfterMs: 60_000 };
    says({ t: "error", ref: world.socket.last("message.send").ref, d });
    screen.getByText(/^You are muted until/);
    screen.getByRole("button", { name: "Discard" });
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  });
});

describe("the time in which one may change", () => {
  const own = (secondsAgo: number) => {
    const at = new Date(Date.now() - secondsAgo * 1_000).toISOString();
    return message(1, { userId: ME.id, createdAt: at, updatedAt: at });
  };
  const menu = async ({ user, bubble }: Awaited<ReturnType<typeof inRoom>>) => {
    await user.click(bubble("text 1").getByRole("button", { name: "More to do with this message" }));
    return bubble("text 1").getAllByRole("button").map(({ textContent }) => textContent);
  };

  it("is the server's, where the room has none of its own, and what is left is told", async () => {
    const choices = await menu(await inRoom([own(350)], { of: { role: "member" }, limits: { editWindowSeconds: 400 } }));
    expect(choices.find((text) => text?.startsWith("Edit message"))).toMatch(/^Edit message(4\d|50) seconds left$/);
    expect(choices.find((text) => text?.startsWith("Delete message"))).toMatch(/seconds left$/);
  });

  it("may be over sooner than is usual, and for who looks after the room never is to delete", async () => {
    const late = { limits: { editWindowSeconds: 60 } };
    const member = await menu(await inRoom([own(61)], { of: { role: "member" }, ...late }));
    expect(member.filter((text) => /^(Edit|Delete)/.test(text ?? ""))).toEqual([]);
    cleanup();
    const owner = await menu(await inRoom([own(50)], { of: { role: "owner" }, ...late }));
    expect(owner.filter((text) => text?.startsWith("Delete"))).toEqual(["Delete message"]);
  });

  it("goes by the server's clock, whatever this device's says", async () => {
    // Here it is an hour later than there.
    const choices = await menu(await inRoom([own(3_600 + 60)], { of: { role: "member" }, now: new Date(Date.now() - 3_600_000).toISOString() }));
    expect(choices.find((text) => text?.startsWith("Edit message"))).toBe("Edit message3 minutes left");
  });

  it("is told by the second in its last minute, and says that it is over to whoever is changing still", async () => {
    quicken();
    const message = own(100);
    const { user, world, more, bubble } = await inRoom([message], { of: { role: "member", editWindowSeconds: 300 } });
    await more("text 1", /^Edit message/);
    await user.type(screen.getByLabelText("Edit message"), " and more");
    const closes = Date.parse(message.createdAt) + 300_000;
    const hint = screen.getByText(/^Can be changed until/);
    // By a step that meets no second, to a moment before the end.
    for (const before of [179_300, 121_000, 120_900, 61_100, 60_900, 59_900, 12_345, 2_500, 1_500]) {
      await passes(closes - before - Date.now());
      const left = (closes - Date.now()) / 1_000;
      const [, number = "", unit = ""] = /, (\d+) (second|minute)s? left/.exec(hint.textContent ?? "") ?? [];
      const told = Number(number) * (unit === "minute" ? 60 : 1);
      expect([hint.textContent, told > 0 && told <= left]).toEqual([hint.textContent, true]);
      if (left < 60) expect(unit).toBe("second");
    }
    await passes(1_000);
    screen.getByText("The time in which this message could be changed is over. Nothing was saved; your text stays here until you close it.");
    await user.type(screen.getByLabelText("Edit message"), "{Enter}");
    expect(screen.getByLabelText("Edit message")).toHaveProperty("value", "text 1 and more");
    expect(world.socket.all("message.edit")).toEqual([]);
    await user.click(screen.getByRole("button", { name: "Close" }));
    await user.click(bubble("text 1").getByRole("button", { name: "More to do with this message" }));
    expect(bubble("text 1").queryByRole("button", { name: /^(Edit|Delete) message/ })).toBeNull();
  });
});
