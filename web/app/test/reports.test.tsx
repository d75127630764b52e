// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import type { Message, Report } from "@chat/sdk";
import { message, ROOM } from "../../sdk/test/support.js";
import { ME, nothing, openPage, problem, screen, within } from "./support.js";

const MODERATOR = { ...ME, emailVerified: true, serverRole: "moderator" as const };
const at = "2026-11-20T08:00:00.000Z";
const person = (id: string, username: string) => ({ id, username, email: `${id}@users.invalid` });

function report(id: string, about: Partial<Message>, more: Partial<Report> = {}): Report {
  const seq = Number(id.slice(1));
  return {
    id,
    message: message(seq, { roomId: "room-far", userId: "u-mal", ...about }),
    reporters: [{ userId: "u-bob", reason: `reason ${seq}`, createdAt: at }],
    createdAt: at,
    status: "open",
    resolution: null,
    ...more,
  };
}

const names = {
  "GET /users/u-mal": () => person("u-mal", "mallory"),
  "GET /users/u-bob": () => person("u-bob", "bob"),
  "GET /rooms/room-far": () => ({ id: "room-far", name: "Market", isPrivate: false }),
};
const query = (path: string) => Object.fromEntries(new URL(path, "http://x").searchParams);
const card = async (text: string) => within((await screen.findByText(text)).closest<HTMLElement>(".report")!);

describe("what is reported on the server", () => {
  it("is led to for those who look after it, and for nobody else", async () => {
    openPage("#/rooms", { user: MODERATOR });
    expect((await screen.findByRole("link", { name: "Reported messages" })).getAttribute("href")).toBe("#/reports/open");
  });

  it.each([undefined, "user"] as const)("is not led to for others: %s", async (serverRole) => {
    openPage("#/rooms", { user: { ...ME, ...(serverRole && { serverRole }) } });
    await screen.findByRole("button", { name: "Log out" });
    expect(screen.queryByRole("link", { name: "Reported messages" })).toBeNull();
  });

  it("shows files as long as it is open, and their names afterwards", async () => {
    vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:picture");
    // Without one everything counts as near.
    vi.stubGlobal("IntersectionObserver", undefined);
    const file = { id: "f1", url: "https://x/attachments/f1", thumbnailUrl: "https://x/attachments/f1/thumbnail", name: "cat.png", type: "image/png", size: 9 };
    const about = { attachments: [file] };
    const resolution = { action: "dismiss" as const, by: "u-me", createdAt: at };
    openPage("#/reports", {
      user: MODERATOR,
      routes: {
        ...names,
        "GET /attachments/f1/thumbnail": () => new Response("png"),
        "GET /admin/reports": () => ({
          reports: [
            report("r2", { ...about, content: "look at this" }),
            report("r1", { ...about, content: "judged" }, { status: "resolved", resolution }),
          ],
          nextCursor: null,
        }),
      },
    });
    expect((await (await card("look at this")).findByAltText("cat.png")).getAttribute("src")).toBe("blob:picture");
    const judged = await card("judged");
    judged.getByText("cat.png");
    expect(judged.queryByRole("button", { name: /cat\.png/ })).toBeNull();
  });

  it("is refused to others who know the address", async () => {
    openPage("#/reports", { routes: { "GET /admin/reports": () => problem(403, "forbidden") } });
    await screen.findByText("You are not allowed to do this.");
    expect(screen.queryByText("Loading reports…")).toBeNull();
  });

  it("is shown with who, where and why, page by page", async () => {
    const asked: object[] = [];
    openPage("#/reports/open", {
      user: MODERATOR,
      routes: {
        ...names,
        "GET /admin/reports": ({ path }) => {
          asked.push(query(path));
          return path.includes("cursor=more")
            ? { reports: [report("r1", { content: "the oldest", roomId: "room-secret" })], nextCursor: null }
            : { reports: [report("r3", { content: "cheap **watches**" }), report("r2", { content: "buy now" })], nextCursor: "more" };
        },
      },
    });
    const first = await card("watches");
    first.getByText("reason 3");
    await first.findByText("mallory");
    await first.findByText(/^Market ·/);
    first.getByText(/^bob, /);
    expect(first.queryByRole("link", { name: "Show in the room" })).toBeNull();
    screen.getByRole("button", { name: "Show more" }).click();
    (await card("the oldest")).getByText(/^A room that you are not in ·/);
    screen.getByText("buy now");
    expect(asked).toEqual([{ status: "open", limit: "20" }, { status: "open", limit: "20", cursor: "more" }]);
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
  });

  it("is let stand, or deleted for a reason, and gone from the list", async () => {
    const resolve = vi.fn((_: { path: string; body: unknown }) => nothing());
    const { user } = openPage("#/reports/open", {
      user: MODERATOR,
      routes: {
        ...names,
        "GET /admin/reports": () => ({ reports: [report("r2", { content: "buy now" }), report("r1", { content: "hello" })], nextCursor: null }),
        "POST /reports/r1/resolve": (asked) => resolve(asked),
        "POST /reports/r2/resolve": (asked) => resolve(asked),
      },
    });
    await user.click((await card("hello")).getByRole("button", { name: "Let it stand" }));
    await screen.findByText("The report is closed.");
    expect(screen.queryByText("hello")).toBeNull();
    const second = await card("buy now");
    await user.click(second.getByRole("button", { name: "Delete message" }));
    await user.click(second.getByRole("button", { name: "Cancel" }));
    expect(document.activeElement).toBe(second.getByRole("button", { name: "Delete message" }));
    await user.click(second.getByRole("button", { name: "Delete message" }));
    await user.type(second.getByLabelText("Reason"), "no selling here{Enter}");
    await screen.findByText("The message is deleted.");
    screen.getByText("Nobody has reported anything that is still open.");
    expect(resolve.mock.calls.map(([{ path, body }]) => [path, body])).toEqual([
      ["/reports/r1/resolve", { action: "dismiss" }],
      ["/reports/r2/resolve", { action: "delete", reason: "no selling here" }],
    ]);
  });

  it("may have been resolved by somebody else meanwhile", async () => {
    let reports = [report("r1", { content: "hello" })];
    const { user } = openPage("#/reports/open", {
      user: MODERATOR,
      routes: {
        ...names,
        "GET /admin/reports": () => ({ reports, nextCursor: null }),
        "POST /reports/r1/resolve": () => ((reports = []), problem(409, "conflict")),
      },
    });
    await user.click((await card("hello")).getByRole("button", { name: "Let it stand" }));
    await screen.findByText("Somebody else has resolved this report meanwhile.");
    expect(screen.queryByText("hello")).toBeNull();
  });

  it("tells what came of it, and of what its author deleted", async () => {
    const resolution = { action: "delete" as const, by: "u-bob", reason: "spam", createdAt: at };
    const { user } = openPage("#/reports/open", {
      user: MODERATOR,
      routes: {
        ...names,
        "GET /admin/reports": ({ path }) => ({
          reports: [query(path)["status"] === "open" ? report("r1", { content: "", deletedAt: at }) : report("r2", { content: "" }, { status: "resolved", resolution })],
          nextCursor: null,
        }),
      },
    });
    const gone = await card("message deleted");
    gone.getByRole("button", { name: "Close the report" });
    expect(gone.queryByRole("button", { name: "Delete message" })).toBeNull();
    await user.click(screen.getByRole("link", { name: "Resolved" }));
    const done = await card("reason 2");
    await done.findByText(/^Deleted by bob, .*: spam$/);
    expect(done.queryByRole("button")).toBeNull();
  });

  it("can be asked for again after a failure", async () => {
    const { user, world } = openPage("#/reports/open", { user: MODERATOR, routes: { ...names, "GET /admin/reports": () => problem(503, "unavailable") } });
    await user.click(await screen.findByRole("button", { name: "Try again" }));
    world.routes.set("GET /admin/reports", () => ({ reports: [report("r1", { content: "hello" })], nextCursor: null }));
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await card("hello");
  });
});

describe("what is reported in a room", () => {
  it("is asked for by whoever looks after it, and led to", async () => {
    const asked: object[] = [];
    const { user } = openPage(`#/rooms/${ROOM}`, {
      routes: {
        ...names,
        "GET /rooms": () => [{ id: ROOM, name: "Garden", isPrivate: false, kind: "room", role: "administrator", memberCount: 2, members: [ME] }],
        [`GET /rooms/${ROOM}/reports`]: ({ path }) => {
          asked.push(query(path));
          return { reports: [report("r1", { content: "hello", roomId: ROOM })], nextCursor: null };
        },
      },
    });
    await user.click(await screen.findByRole("button", { name: "More about this room" }));
    await user.click(screen.getByRole("button", { name: "Reported messages" }));
    const hello = await card("hello");
    expect(hello.queryByText(/Garden/)).toBeNull();
    await user.click(hello.getByRole("link", { name: "Show in the room" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog", { name: "Reported messages" })).toBeNull());
    expect(asked).toEqual([{ status: "open", limit: "20" }]);
  });
});
