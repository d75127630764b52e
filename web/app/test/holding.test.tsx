// @vitest-environment happy-dom
import { cleanup } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { message, ROOM } from "../../sdk/test/support.js";
import { inRoom, recent } from "./inroom.js";
import { ME, screen } from "./support.js";

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
    const { user, world } = await inRoom([], { of: { role: "member", memberCount: 4_000, members: [], mutedUntil } });
    screen.getByText(/^You are muted until/);
    await user.type(screen.getByRole("textbox", { name: "Message to Garden" }), "hello{Enter}");
    expect(world.socket.all("message.send")).toEqual([]);
  });

  it("is nothing while one is muted", async () => {
    const { says } = await inRoom([], { of: { role: "member" } });
    const mutedUntil = new Date(Date.now() + 3_600_000).toISOString();
    says({ t: "member.updated", room: ROOM, seq: 101, d: { userId: ME.id, role: "member", mutedUntil } });
    await screen.findByText(/^You are muted until/);
    says({ t: "member.updated", room: ROOM, seq: 102, d: { userId: ME.id, role: "member", mutedUntil: null } });
    await vi.waitFor(() => expect(screen.queryByText(/^You are muted until/)).toBeNull());
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
    expect(choices.find((text) => text?.startsWith("Edit message"))).toBe("Edit message4 minutes left");
  });
});
