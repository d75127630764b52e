// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { ROOM } from "../../sdk/test/support.js";
import { recent, inRoom } from "./inroom.js";
import { screen } from "./support.js";

describe("a message of a room that one is put out of", () => {
  it("is shown above all rooms, to be copied or discarded", async () => {
    const { user, world, says } = await inRoom([recent(1)]);
    for (const text of ["my first words", "my second words"]) {
      await user.type(screen.getByRole("textbox", { name: /message/i }), `${text}{Enter}`);
      const { ref } = world.socket.last("message.send");
      says({ t: "error", ref, d: { code: "notMember", message: "not a member", retryable: false } });
    }
    expect(screen.queryByText(/Not sent: you are not in its room any more/)).toBeNull();
    world.routes.set("GET /rooms", () => []);
    says({ t: "room.removed", useq: 4, d: { roomId: ROOM } });
    const banner = (await screen.findByText(/Not sent: you are not in its room any more/)).closest(".banner")!;
    expect(banner.textContent).toMatch(/my first words.*1 more/);
    const copied = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    await user.click(screen.getByRole("button", { name: "Copy text" }));
    await screen.findByText("Copied.");
    expect(copied).toHaveBeenCalledWith("my first words");
    await user.click(screen.getByRole("button", { name: "Discard" }));
    screen.getByText(/my second words/);
    // What was said of the first does not stand by the second.
    expect(screen.queryByText("Copied.")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Discard" }));
    expect(screen.queryByText(/Not sent/)).toBeNull();
    expect(world.storage.length).toBe(1);
  });
});
