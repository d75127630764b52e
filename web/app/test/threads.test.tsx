// @vitest-environment happy-dom
import { act, fireEvent } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { created, message, type Route } from "../../sdk/test/support.js";
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

afterEach(() => void vi.restoreAllMocks());

/** A panel in which five bubbles have a place; each is a hundred pixels high. */
function laidOut() {
  const bubbles = (el: Element) => el.querySelectorAll(".message").length;
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(500);
  vi.spyOn(HTMLElement.prototype, "scrollHeight", "get").mockImplementation(function (this: Element) {
    return bubbles(this) * 100;
  });
}

describe("a thread that is longer than its panel", () => {
  const many = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => reply(from + n));
  async function reading(at: number) {
    laidOut();
    const read = vi.fn((_: { body: any }) => nothing());
    const page: Route = ({ path }) => (path.includes("cursor=") ? { root, messages: many(2, 11), nextCursor: null } : { root, messages: many(12, 21), nextCursor: "12" });
    const view = await inThread(many(12, 21), { "GET /messages/m1/thread": page, "PUT /messages/m1/thread/read": read });
    const panel = view.thread.getByRole("region", { name: "Messages of the thread" });
    // Eleven bubbles, and the end of them is before one's eyes.
    expect(panel.scrollTop).toBe(1100);
    await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(1));
    const scroll = (top: number) => {
      panel.scrollTop = top;
      fireEvent.scroll(panel);
    };
    scroll(at);
    return { ...view, panel, read, scroll };
  }
  const another = (seq: number) => created(seq, { ...recent(seq), replyTo: "m1", threadRoot: "m1" });

  it("stays at what one reads when earlier replies come in above", async () => {
    const { user, thread, panel } = await reading(100);
    await user.click(thread.getByRole("button", { name: "Earlier replies" }));
    await thread.findByText("text 2");
    expect(panel.scrollTop).toBe(1100);
    expect(panel.scrollHeight).toBe(2100);
  });

  it("leaves the focus at the button that asks for more, and in the list when there is none", async () => {
    const pages = [many(12, 21), many(7, 11), many(2, 6)];
    let release = () => {};
    const page: Route = async ({ path }) => {
      const n = Number(new URL(path, "http://x").searchParams.get("cursor") ?? 0);
      if (n > 0) await new Promise<void>((done) => (release = done));
      return { root, messages: pages[n], nextCursor: n < 2 ? String(n + 1) : null };
    };
    const { user, thread } = await inThread(pages[0]!, { "GET /messages/m1/thread": page });
    const button = thread.getByRole("button", { name: "Earlier replies" });
    button.focus();
    await user.keyboard("{Enter}");
    expect(button).toHaveProperty("disabled", false);
    await act(async () => release());
    await thread.findByText("text 7");
    expect(document.activeElement).toBe(button);
    await user.keyboard("{Enter}");
    await act(async () => release());
    await thread.findByText("text 2");
    expect(button.isConnected).toBe(false);
    expect(document.activeElement).toBe(thread.getByRole("region", { name: "Messages of the thread" }));
  });

  it("stays there when somebody answers, which is not seen before one goes to it", async () => {
    const { says, thread, panel, read, scroll } = await reading(100);
    says(another(101));
    thread.getByText("text 101");
    expect(panel.scrollTop).toBe(100);
    expect(read).toHaveBeenCalledTimes(1);
    scroll(700);
    await vi.waitFor(() => expect(read.mock.calls.at(-1)![0].body).toEqual({ seq: 101 }));
    says(another(102));
    await vi.waitFor(() => expect(panel.scrollTop).toBe(1300));
  });

  it("goes to its end when one answers oneself", async () => {
    const { user, thread, panel } = await reading(100);
    await user.type(thread.getByRole("textbox", { name: "Reply in the thread" }), "mine{Enter}");
    thread.getByText("mine");
    expect(panel.scrollTop).toBe(1200);
  });
});

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
