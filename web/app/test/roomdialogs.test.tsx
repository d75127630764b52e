// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { message, ROOM } from "../../sdk/test/support.js";
import { useLoaded } from "../src/ui/useLoaded.js";
import { inRoom, room } from "./inroom.js";
import { nothing, openPage, problem, screen, within } from "./support.js";

describe("the settings of a room", () => {
  const open = async (view: Awaited<ReturnType<typeof inRoom>>) => {
    await view.user.click(screen.getByRole("button", { name: "More about this room" }));
    await view.user.click(screen.getByRole("button", { name: "Room settings" }));
    return within(screen.getByRole("dialog", { name: "Room settings" }));
  };

  const facts = { name: "Garden", description: null, topic: "apples", historyVisibility: "all", archivedAt: null, editWindowSeconds: null, slowModeSeconds: 0 };

  it("leave as it is what somebody else changed while one had them open", async () => {
    let now = room(facts);
    const change = vi.fn(({ body }: { body: any }) => ({ ...now, ...body }));
    const view = await inRoom([message(1)], { routes: { "GET /rooms": () => [now], [`PATCH /rooms/${ROOM}`]: change } });
    const dialog = await open(view);
    now = room({ ...facts, topic: "pears", slowModeSeconds: 60 });
    view.says({ t: "room.updated", room: ROOM, seq: 101, d: now });
    await screen.findByText("pears", undefined, { timeout: 5_000 });
    await view.user.clear(dialog.getByLabelText("Name"));
    await view.user.type(dialog.getByLabelText("Name"), "Orchard");
    await view.user.click(dialog.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(change).toHaveBeenCalledOnce());
    expect(change.mock.calls[0]![0].body).toEqual({ name: "Orchard" });
  });

  it("ask for nothing where nothing was changed", async () => {
    const change = vi.fn(() => room());
    const view = await inRoom([message(1)], { routes: { [`PATCH /rooms/${ROOM}`]: change } });
    await view.user.click((await open(view)).getByRole("button", { name: "Save" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(change).not.toHaveBeenCalled();
  });
});

describe("a dialog that is called off while it waits for its answer", () => {
  it("does not close the one that was opened after it", async () => {
    let answer = () => {};
    const report = () => new Promise<Response>((done) => (answer = () => done(nothing())));
    const { user, more } = await inRoom([message(1)], { routes: { "POST /messages/m1/report": report } });
    await more("text 1", "Report");
    await user.type(screen.getByLabelText("What is wrong with it?"), "rude{Enter}");
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    await user.click(screen.getByRole("button", { name: /^Members/ }));
    await act(async () => answer());
    await screen.findByText(/^It is reported\./);
    screen.getByRole("dialog", { name: "Members" });
  });
});

describe("leaving a room", () => {
  it.each([null, "#/rooms/another"])("leads out of it, but not out of what was opened meanwhile: %s", async (opened) => {
    let answer = () => {};
    const leave = () => new Promise<Response>((done) => (answer = () => done(nothing())));
    const { user } = await inRoom([message(1)], { routes: { [`POST /rooms/${ROOM}/leave`]: leave } });
    await user.click(screen.getByRole("button", { name: "More about this room" }));
    await user.click(screen.getByRole("button", { name: "Leave room" }));
    await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Leave room" }));
    if (opened) await act(async () => void (location.hash = opened));
    await act(async () => answer());
    await vi.waitFor(() => expect(location.hash).toBe(opened ?? "#/rooms"));
  });
});

describe("the directory", () => {
  it("begins anew after a search that failed, and does not go on with what was there before", async () => {
    const asked: string[] = [];
    const { user, world } = openPage("#/rooms", {
      routes: {
        "GET /directory/rooms": ({ path }) => {
          asked.push(new URL(path, "http://x").search);
          return path.includes("query=") ? problem(503, "unavailable") : { rooms: [room({ role: null })], nextCursor: "page-2" };
        },
      },
    });
    await user.click((await screen.findAllByRole("button", { name: "Browse rooms" }))[0]!);
    const dialog = within(screen.getByRole("dialog"));
    await dialog.findByText("Garden");
    await user.type(dialog.getByLabelText("Search"), "shed");
    await dialog.findByText(/^The server is busy/);
    expect(dialog.queryByText("Garden")).toBeNull();
    world.routes.set("GET /directory/rooms", ({ path }) => (asked.push(new URL(path, "http://x").search), { rooms: [room({ name: "Shed" })], nextCursor: null }));
    await user.click(dialog.getByRole("button", { name: "Try again" }));
    await dialog.findByText("Shed");
    expect(asked.at(-1)).toContain("query=shed");
    expect(asked.at(-1)).not.toContain("cursor");
  });
});

describe("what is loaded", () => {
  it("is the answer to the last question, whichever comes last", async () => {
    const answers: ((text: string) => void)[] = [];
    const asked = () => () => new Promise<string>((done) => answers.push(done));
    const { result, rerender } = renderHook(({ ask }) => useLoaded(ask), { initialProps: { ask: asked() } });
    rerender({ ask: asked() });
    await act(async () => answers[1]!("now"));
    await act(async () => answers[0]!("before"));
    expect(result.current.value).toBe("now");
  });
});
