// @vitest-environment happy-dom
import { act } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { created, message } from "../../sdk/test/support.js";
import { BOB, inRoom, recent } from "./inroom.js";
import { ME, nothing, screen, within, type Opening } from "./support.js";

const root = message(1, { thread: { replies: 2, lastReplyAt: message(2).createdAt, participants: [BOB.id], unread: 0 } });
const reply = (seq: number, changes = {}) => recent(seq, { replyTo: "m1", threadRoot: "m1", ...changes });

/** Beside the room, open at these replies. */
async function inThread(replies = [reply(2, { userId: ME.id }), reply(3)], routes: Opening["routes"] = {}) {
  const view = await inRoom([root], {
    routes: {
      "GET /messages/m1/thread": () => ({ root, messages: replies, nextCursor: null }),
      "PUT /messages/m1/thread/read": () => nothing(),
      ...routes,
    },
  });
  await view.user.click(view.bubble("text 1").getByRole("button", { name: /^2 replies/ }));
  const thread = within(await screen.findByRole("complementary", { name: "Thread" }));
  const last = replies.at(-1)!.content;
  await thread.findByText(last);
  const inside = (text: string) => within(thread.getByText(text).closest<HTMLElement>(".message")!);
  const more = async (text: string, choice: string | RegExp) => {
    await view.user.click(inside(text).getByRole("button", { name: "More to do with this message" }));
    await view.user.click(inside(text).getByRole("button", { name: choice }));
  };
  return { ...view, thread, inside, more };
}

describe("what is written after something was done in a thread", () => {
  const here = () => document.activeElement?.getAttribute("aria-label");

  it.each(["{Escape}", "{Enter}", "!{Enter}"])("goes into the thread: an edit that ends by %s", async (keys) => {
    const { user, world, more } = await inThread();
    await more("text 2", /^Edit message/);
    expect(here()).toBe("Edit message");
    await user.keyboard(keys);
    if (keys.startsWith("!")) await act(async () => world.socket.acks("message.edit"));
    expect(here()).toBe("Reply in the thread");
    expect(screen.queryByRole("textbox", { name: "Edit message" })).toBeNull();
  });

  it.each([/^Delete message/, "Report"])("goes into the thread: %s, called off", async (choice) => {
    const { user, more } = await inThread();
    await more("text 3", choice);
    await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Cancel" }));
    expect(here()).toBe("Reply in the thread");
  });

  it("goes to the room where the same was done there", async () => {
    const view = await inThread();
    view.says(created(101, { ...recent(101), userId: ME.id }));
    await view.user.click(view.bubble("text 101").getByRole("button", { name: "More to do with this message" }));
    await view.user.click(view.bubble("text 101").getByRole("button", { name: /^Edit message/ }));
    await view.user.keyboard("{Escape}");
    expect(here()).toBe("Message to Garden");
  });
});

describe("an edit that was called off while it was saved", () => {
  it("does not close the next one when its answer comes", async () => {
    const { user, world, more } = await inThread([reply(2, { userId: ME.id }), reply(3, { userId: ME.id })]);
    await more("text 2", /^Edit message/);
    await user.keyboard("!{Enter}{Escape}");
    await more("text 3", /^Edit message/);
    await user.keyboard(" and more");
    await act(async () => world.socket.acks("message.edit"));
    expect(screen.getByRole("textbox", { name: "Edit message" })).toHaveProperty("value", "text 3 and more");
    expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Edit message" }));
  });
});
