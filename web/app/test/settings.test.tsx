// @vitest-environment happy-dom
import { cleanup, render } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { Late } from "../src/ui/Late.js";
import { deviceName } from "../src/settings/device.js";
import { limited, ME, nothing, openPage, problem, refused, screen, within } from "./support.js";

const AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const session = (id: string, isCurrent = false, device: string | null = AGENT) => ({
  id,
  device,
  network: "203.0.113.0/24",
  createdAt: "2026-11-01T08:00:00.000Z",
  lastUsedAt: "2026-11-20T08:00:00.000Z",
  isCurrent,
});
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";

/** A message that waits, as another tab stored it. */
const unsent = [`chat.outbox.${ME.id}.u1`, JSON.stringify({ clientMsgId: "u1", roomId: "r1", content: "unsent", state: "queued", order: 0 })] as const;

describe("a device", () => {
  it.each([
    [AGENT, "Chrome on Linux"],
    [IPHONE, "Safari on iPhone"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on macOS"],
    ["curl/8.5.0", "curl/8.5.0"],
    [null, "Unknown device"],
  ])("%s is called %s", (agent, name) => expect(deviceName(agent)).toBe(name));
});

describe("the list of devices", () => {
  it("names each, marks this one, and ends another", async () => {
    let sessions = [session("s1", true), session("s2", false, IPHONE)];
    const { user } = openPage("#/settings/devices", {
      routes: {
        "GET /auth/sessions": () => ({ sessions }),
        "DELETE /auth/sessions/s2": () => ((sessions = [session("s1", true)]), nothing()),
      },
    });
    const mine = (await screen.findByText("this device")).closest("li")!;
    expect(within(mine).getByText(/Chrome on Linux/)).toBeTruthy();
    expect(within(mine).queryByRole("button")).toBeNull();
    await user.click(screen.getByRole("button", { name: /^Log out Safari on iPhone, last used/ }));
    await screen.findByText("Safari on iPhone is logged out.");
    expect(screen.queryByText(/Safari on iPhone/, { selector: ".row-name" })).toBeNull();
    expect(document.activeElement).toBe(screen.getByRole("heading", { name: "Devices" }));
  });

  it("says what could not be done, and leaves the rest", async () => {
    const { user } = openPage("#/settings/devices", {
      routes: {
        "GET /auth/sessions": () => ({ sessions: [session("s1", true), session("s2", false, IPHONE)] }),
        "DELETE /auth/sessions/s2": () => problem(503, "unavailable"),
      },
    });
    await user.click(await screen.findByRole("button", { name: /^Log out Safari on iPhone/ }));
    await screen.findByText("The server is busy or restarting. Try again in a moment.");
    expect(screen.getByText(/Safari on iPhone/, { selector: ".row-name" })).toBeTruthy();
  });

  it("can be loaded again after a failure", async () => {
    const { user, world } = openPage("#/settings/devices", { routes: { "GET /auth/sessions": () => problem(503, "unavailable") } });
    await user.click(await screen.findByRole("button", { name: "Try again" }));
    expect(screen.queryByText("this device")).toBeNull();
    world.routes.set("GET /auth/sessions", () => ({ sessions: [session("s1", true)] }));
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByText("this device");
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  });

  it("ends them all after a question, with what is unsent", async () => {
    // As the server does: the socket first, the answer second.
    const all = vi.fn(() => (world.socket.says({ t: "session.revoked" }), nothing()));
    const { user, world } = openPage("#/settings/devices", {
      routes: { "GET /auth/sessions": () => ({ sessions: [session("s1", true)] }), "POST /auth/logout-all": all },
    });
    world.storage.setItem(...unsent);
    await user.click(await screen.findByRole("button", { name: "Log out everywhere" }));
    expect(all).not.toHaveBeenCalled();
    screen.getByText(/1 message has not been sent yet and will be lost/);
    await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Log out everywhere" }));
    await screen.findByRole("heading", { name: "Log in" });
    expect(all).toHaveBeenCalledOnce();
    await vi.waitFor(() => expect(world.storage.length).toBe(0));
  });
});

describe("the password", () => {
  it("is changed, and each fault stands at its field", async () => {
    const change = vi.fn((_: { body: any }): object => refused("currentPassword", "is wrong"));
    const { user } = openPage("#/settings/account", { routes: { "PUT /users/me/password": (r) => change(r) } });
    const section = within(await screen.findByRole("region", { name: "Password" }));
    await user.click(section.getByRole("button", { name: "Change password" }));
    section.getByText("Enter your present password.");
    await user.type(section.getByLabelText("Present password"), "wrong one");
    await user.type(section.getByLabelText("New password"), "a brand new one{Enter}");
    await section.findByText("This is wrong.");
    expect(section.getByLabelText("Present password").getAttribute("aria-invalid")).toBe("true");
    change.mockImplementation(() => nothing());
    await user.click(section.getByRole("button", { name: "Change password" }));
    await section.findByText("Your password is changed.");
    expect(change.mock.calls.at(-1)![0].body).toEqual({ currentPassword: "wrong one", newPassword: "a brand new one" });
    expect(section.getByLabelText("New password")).toHaveProperty("value", "");
  });

  it("asks for a code where there is a second factor", async () => {
    const change = vi.fn((_: { body: any }): object => problem(401, "secondFactorInvalid"));
    const { user } = openPage("#/settings/account", {
      user: { ...ME, emailVerified: true, secondFactor: true },
      routes: { "PUT /users/me/password": (r) => change(r) },
    });
    const section = within(await screen.findByRole("region", { name: "Password" }));
    await user.type(section.getByLabelText("Present password"), "the present");
    await user.type(section.getByLabelText("New password"), "a brand new one");
    await user.type(section.getByLabelText("Code"), "000000{Enter}");
    await section.findByText(/^This code is wrong/);
    expect(change.mock.calls[0]![0].body.code).toBe("000000");
  });
});

describe("the e-mail address", () => {
  it("is asked of both addresses, and that is explained", async () => {
    const { user, world } = openPage("#/settings/account", { routes: { "PUT /users/me/email": () => problem(409, "conflict", { detail: "somebody has the address" }) } });
    const section = within(await screen.findByRole("region", { name: "E-mail address" }));
    await user.type(section.getByLabelText("New e-mail address"), "new@example.com");
    await user.type(section.getByLabelText("Your password"), "secret words{Enter}");
    await section.findByText("Somebody has the address.");
    world.routes.set("PUT /users/me/email", () => nothing(202));
    await user.click(section.getByRole("button", { name: "Mail both links" }));
    await section.findByText("Two mails, one change");
    expect(section.getByText(/when both were opened, in any order/).textContent).toContain("new@example.com");
    await user.click(section.getByRole("button", { name: "Ask for another address instead" }));
    expect(document.activeElement).toBe(section.getByRole("heading", { name: "E-mail address" }));
  });
});

describe("the second factor", () => {
  it("is set up: password, code, recovery codes", async () => {
    let secondFactor = false;
    const confirm = vi.fn((_: { body: any }): object => problem(401, "secondFactorInvalid"));
    const { user } = openPage("#/settings/account", {
      routes: {
        "GET /users/me": () => ({ ...ME, emailVerified: true, secondFactor }),
        "POST /users/me/second-factor": ({ body }) =>
          body.password === "right" ? { secret: "JBSWY3DPEHPK3PXP", uri: "otpauth://totp/chat:alice?secret=JBSWY3DPEHPK3PXP" } : refused("password", "is wrong"),
        "POST /users/me/second-factor/confirm": (r) => confirm(r),
      },
    });
    const section = within(await screen.findByRole("region", { name: "Second factor" }));
    await user.click(section.getByRole("button", { name: "Set up" }));
    await user.type(section.getByLabelText("Your password"), "wrong{Enter}");
    await section.findByText("This is wrong.");
    await user.clear(section.getByLabelText("Your password"));
    await user.type(section.getByLabelText("Your password"), "right{Enter}");
    await section.findByText("JBSW Y3DP EHPK 3PXP");
    section.getByRole("img", { name: /^QR code/ });
    await user.type(section.getByLabelText("Code"), "123456{Enter}");
    await section.findByText(/^This code is wrong/);
    confirm.mockImplementation(() => ((secondFactor = true), { recoveryCodes: ["aaaa-1111", "bbbb-2222"] }));
    await user.click(section.getByRole("button", { name: "Turn on" }));
    await section.findByText("aaaa-1111");
    const done = section.getByRole("button", { name: "Done" });
    expect(done).toHaveProperty("disabled", true);
    await user.click(section.getByRole("checkbox"));
    await user.click(done);
    await section.findByText("on");
  });

  it("is turned off with password and code", async () => {
    let secondFactor = true;
    const remove = vi.fn((_: { body: any }) => ((secondFactor = false), nothing()));
    const { user } = openPage("#/settings/account", {
      user: { ...ME, emailVerified: true, secondFactor: true },
      routes: { "GET /users/me": () => ({ ...ME, emailVerified: true, secondFactor }), "DELETE /users/me/second-factor": remove },
    });
    const section = within(await screen.findByRole("region", { name: "Second factor" }));
    await user.click(section.getByRole("button", { name: "Turn off" }));
    await user.click(section.getByRole("button", { name: "Turn the second factor off" }));
    section.getByText("Enter a code.");
    await user.type(section.getByLabelText("Your password"), "right");
    await user.type(section.getByLabelText("Code"), "aaaa-1111{Enter}");
    await section.findByText("The second factor is off.");
    expect(remove.mock.calls[0]![0].body).toEqual({ password: "right", code: "aaaa-1111" });
    await section.findByRole("button", { name: "Set up" });
  });
});

describe("the profile", () => {
  it("is saved, and what is emptied is cleared", async () => {
    let me = { ...ME, emailVerified: true, displayName: "Alice A.", statusText: "away" };
    const save = vi.fn(({ body }: { body: any }) => (me = { ...me, ...body }));
    const { user } = openPage("#/settings/profile", { user: me, routes: { "GET /users/me": () => me, "PATCH /users/me": save } });
    await user.clear(await screen.findByLabelText("Display name"));
    await user.type(screen.getByLabelText("Display name"), "Alice");
    await user.clear(screen.getByLabelText("Status"));
    await user.click(screen.getByRole("button", { name: "Save" }));
    await screen.findByText("Saved.");
    expect(save.mock.calls[0]![0].body).toEqual({ displayName: "Alice", statusText: null });
    expect(within(screen.getByRole("link", { name: "alice: settings" })).getByText("Alice")).toBeTruthy();
  });

  it("loses its picture", async () => {
    let avatar: string | null = "http://chat.test/avatars/1";
    const { user } = openPage("#/settings/profile", {
      user: { ...ME, emailVerified: true, avatar },
      routes: { "GET /users/me": () => ({ ...ME, emailVerified: true, avatar }), "DELETE /users/me/avatar": () => ((avatar = null), nothing()) },
    });
    await user.click(await screen.findByRole("button", { name: "Remove" }));
    await screen.findByText("Your picture is removed.");
    expect(screen.queryByRole("button", { name: "Remove" })).toBeNull();
  });
});

describe("blocked people", () => {
  const bob = { id: "u-bob", username: "bob", email: "x@users.invalid" };
  it("are found by name, blocked and let go", async () => {
    let users: (typeof bob)[] = [];
    const { user } = openPage("#/settings/privacy", {
      routes: {
        "GET /users/me/blocks": () => ({ users }),
        "GET /users": ({ path }) => ({ users: path.includes("username=bo") ? [ME, bob] : [] }),
        "PUT /users/me/blocks/u-bob": () => ((users = [bob]), nothing()),
        "DELETE /users/me/blocks/u-bob": () => ((users = []), nothing()),
      },
    });
    await screen.findByText("You have blocked nobody.");
    await user.type(screen.getByLabelText("Block somebody"), "bo");
    await user.click(await screen.findByRole("button", { name: "Block bob" }));
    await screen.findByText("bob is blocked.");
    await user.click(screen.getByRole("button", { name: "Unblock bob" }));
    await screen.findByText("bob is not blocked any more.");
    await screen.findByText("You have blocked nobody.");
  });

  it("are looked for no faster than the server allows", async () => {
    const { user } = openPage("#/settings/privacy", { routes: { "GET /users/me/blocks": () => ({ users: [] }), "GET /users": () => limited(30) } });
    await user.type(await screen.findByLabelText("Block somebody"), "bo");
    await screen.findByText("Too many attempts. Try again in 30 seconds.");
  });
});

describe("one's data", () => {
  const job = (state: string, progress = 0) => ({ id: "j1", kind: "export", state, progress, createdAt: "2026-11-20T08:00:00.000Z" });
  it("is copied, watched and downloaded", async () => {
    let jobs: object[] = [];
    const { user } = openPage("#/settings/data", {
      routes: {
        "GET /users/me/jobs": () => ({ jobs }),
        "POST /users/me/export": () => ((jobs = [job("running", 0.4)]), job("queued")),
        "GET /users/me/jobs/j1/result": () => new Response("{}", { headers: { "content-type": "application/x-ndjson" } }),
      },
    });
    await user.click(await screen.findByRole("button", { name: "Make a copy" }));
    expect((await screen.findByRole("progressbar", { name: "How far the copy is" })).getAttribute("value")).toBe("40");
    jobs = [job("done", 1)];
    const saved = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
    await user.click(await screen.findByRole("button", { name: "Download" }, { timeout: 4_000 }));
    await vi.waitFor(() => expect(saved).toHaveBeenCalledOnce());
    saved.mockRestore();
  });

  it("goes with the account, after the password", async () => {
    const remove = vi.fn((_: { body: any }): object => refused("password", "is wrong"));
    const { user, world } = openPage("#/settings/data", { routes: { "GET /users/me/jobs": () => [], "DELETE /users/me": (r) => remove(r) } });
    await user.click(await screen.findByRole("button", { name: "Delete my account" }));
    const dialog = within(screen.getByRole("dialog"));
    await user.click(dialog.getByRole("radio", { name: /^Delete what I wrote/ }));
    await user.type(dialog.getByLabelText("Your password"), "my words{Enter}");
    await dialog.findByText("This is wrong.");
    world.storage.setItem(...unsent);
    remove.mockImplementation(() => {
      world.socket.says({ t: "session.revoked" });
      return Response.json({ ...job("queued"), kind: "deletion" }, { status: 202 });
    });
    await user.click(dialog.getByRole("button", { name: "Delete my account" }));
    await screen.findByRole("heading", { name: "Your account is closed" });
    expect(remove.mock.calls.at(-1)![0].body).toEqual({ password: "my words", messages: "delete" });
    await vi.waitFor(() => expect(world.storage.length).toBe(0));
  });
});

describe("a part that comes late", () => {
  it("and does not come at all says what to do", () => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const Gone = () => {
      throw new TypeError("Failed to fetch dynamically imported module");
    };
    render(
      <Late>
        <Gone />
      </Late>,
    );
    screen.getByRole("heading", { name: "This part could not be loaded" });
    expect(screen.getByRole("link", { name: "Back to your rooms" })).toHaveProperty("hash", "#/rooms");
    cleanup();
    quiet.mockRestore();
  });
});
