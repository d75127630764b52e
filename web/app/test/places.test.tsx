// @vitest-environment happy-dom
import { act } from "@testing-library/react";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { created, message, ROOM, type Route } from "../../sdk/test/support.js";
import { inRoom } from "./inroom.js";
import { problem, screen } from "./support.js";

describe("a link to a message", () => {
  it("opens the room around it, and the room grows from there to its end", async () => {
    const page = (top: number) => ({
      messages: Array.from({ length: 10 }, (_, n) => message(top - n)),
      nextCursor: top > 20 ? String(top - 10) : null,
      newerCursor: top < 60 ? String(top + 10) : null,
    });
    await inRoom([message(60)], {
      hash: "/messages/m20",
      routes: {
        "GET /messages": ({ path }) => {
          const query = new URL(path, "http://x").searchParams;
          return page(Number(query.get("cursor") ?? query.get("around")?.slice(1) ?? 60));
        },
      },
    });
    await screen.findByText("text 20");
    await vi.waitFor(() => expect(document.activeElement?.getAttribute("data-message-id")).toBe("m20"));
    expect(document.activeElement!.classList).toContain("message-target");
    await screen.findByText("text 60");
  });

  it("says when there is no such message", async () => {
    await inRoom([message(90)], {
      hash: "/messages/m20",
      routes: { "GET /messages": ({ path }) => (path.includes("around=") ? problem(404, "notFound") : { messages: [message(90)], nextCursor: null }) },
    });
    await screen.findByText("This does not exist any more.");
    screen.getByText("text 90");
  });

  it("is copied from the message's menu", async () => {
    const { more } = await inRoom([message(1)]);
    const write = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    await more("text 1", "Copy link");
    expect(write).toHaveBeenCalledWith(expect.stringMatching(new RegExp(`#/rooms/${ROOM}/messages/m1$`)));
    await screen.findByText("The link is copied.");
  });
});

describe("a day", () => {
  // Far from the world's time, where a day begins at another moment.
  vi.stubEnv("TZ", "Asia/Tokyo");
  afterAll(() => void vi.unstubAllEnvs());
  /** The message said, at noon of a day of this device's calendar. */
  const on = (seq: number, day: string) => message(seq, { createdAt: new Date(`${day}T12:00`).toISOString(), updatedAt: new Date(`${day}T12:00`).toISOString() });
  const said = [on(1, "2026-03-01"), on(2, "2026-03-03"), on(3, "2026-03-03"), on(4, "2026-03-08")];
  let asked: string[] = [];
  beforeEach(() => void (asked = []));
  const about: Route = ({ path }) => {
    const at = new URL(path, "http://x").searchParams.get("at");
    if (at) asked.push(at);
    return { messages: said.toReversed(), nextCursor: null, newerCursor: null };
  };
  const jumpTo = async (day: string, { user }: Pick<Awaited<ReturnType<typeof inRoom>>, "user">) => {
    await user.click(screen.getByRole("button", { name: "More about this room" }));
    await user.click(screen.getByRole("button", { name: "Jump to date" }));
    if (day) await user.type(screen.getByLabelText("Day"), day);
    await user.click(screen.getByRole("button", { name: "Jump" }));
  };
  const inPlace = (id: string) => vi.waitFor(() => expect(document.activeElement?.getAttribute("data-message-id")).toBe(id));

  it("is jumped to: what was said first on it, by this device's calendar", async () => {
    const view = await inRoom(said, { routes: { "GET /messages": about } });
    await jumpTo("2026-03-03", view);
    await inPlace("m2");
    expect(asked).toEqual(["2026-03-02T15:00:00.000Z"]);
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(screen.queryByText(/^Nothing was written/)).toBeNull();
    // The same again, from elsewhere: the address stays what it is.
    document.querySelector<HTMLElement>("[data-message-id=m4]")!.focus();
    await jumpTo("2026-03-03", view);
    await inPlace("m2");
  });

  it("on which nobody said anything leads to what came next, or last, and says so", async () => {
    const view = await inRoom(said, { routes: { "GET /messages": about } });
    await jumpTo("2026-03-05", view);
    await inPlace("m4");
    await screen.findByText(/^Nothing was written on .* This came next\.$/);
    await jumpTo("2026-03-20", view);
    await inPlace("m4");
    await screen.findByText(/^Nothing was written since .* This came last\.$/);
  });

  it("is asked for when there is none, and says when there is nothing to jump to", async () => {
    const view = await inRoom([]);
    await jumpTo("", view);
    screen.getByText("Choose a day.");
    await view.user.type(screen.getByLabelText("Day"), "2026-03-03");
    await view.user.click(screen.getByRole("button", { name: "Jump" }));
    await screen.findByText("Nothing was written in this room yet.");
  });
});

describe("the end of a busy room", () => {
  it("is where only the newest messages stay in the page", async () => {
    const latest = { messages: [message(100)], nextCursor: null };
    const { world } = await inRoom([message(100)], {
      // Here nothing has a height, so older ones are asked for at once: they do not come.
      routes: { "GET /messages": ({ path }) => (path.includes("around=") ? new Promise<object>(() => {}) : latest) },
    });
    act(() => {
      for (let seq = 101; seq <= 700; seq += 1) world.socket.says(created(seq));
    });
    await screen.findByText("text 700");
    expect(document.querySelectorAll(".message").length).toBeLessThanOrEqual(500);
    expect(screen.queryByText("text 100")).toBeNull();
  });
});
