// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import type { Role, User } from "@chat/sdk";
import { ROOM, type Route } from "../../sdk/test/support.js";
import { ME, nothing, openPage, problem, screen, within, type Opening } from "./support.js";

const BOB: User = { id: "u-bob", username: "bob", email: "b@users.invalid" };
const EVE: User = { id: "u-eve", username: "eve", email: "e@users.invalid" };
const garden = (more: object = {}) => ({
  id: ROOM,
  name: "Garden",
  isPrivate: true,
  kind: "room",
  role: "owner" as Role,
  members: [ME, BOB],
  memberCount: 2,
  historyVisibility: "all",
  ...more,
});
const invite = { id: "i1", roomId: ROOM, invitedBy: BOB.id, createdAt: "2026-11-20T08:00:00.000Z", expiresAt: null, maxUses: null, uses: 0 };
const found: Route = ({ path }) => ({ users: [BOB, EVE].filter(({ username }) => path.includes(`username=${username.slice(0, 2)}`)) });

/** In a room that one owns, with bob, unless told otherwise. */
async function inGarden(routes: Opening["routes"] = {}, room: object = garden()) {
  const members = [{ ...ME, role: "owner" }, { ...BOB, role: "member" }];
  const opened = openPage(`#/rooms/${ROOM}`, {
    routes: { "GET /rooms": () => [room], [`GET /rooms/${ROOM}/members`]: () => ({ members, nextCursor: null }), "GET /users": found, ...routes },
  });
  await screen.findByRole("heading", { name: "Garden" });
  const drawer = async () => {
    await opened.user.click(screen.getByRole("button", { name: /^Members/ }));
    return within(screen.getByRole("dialog", { name: "Members" }));
  };
  const fromMenu = async (name: string) => {
    await opened.user.click(screen.getByRole("button", { name: "More about this room" }));
    await opened.user.click(screen.getByRole("button", { name }));
  };
  return { ...opened, drawer, fromMenu };
}

describe("a room", () => {
  it("is made with people in it", async () => {
    const create = vi.fn((_: { body: any }) => garden());
    const { user } = openPage("#/rooms", { routes: { "GET /users": found, "POST /rooms": create } });
    await screen.findByText("Rooms you join appear here.");
    await user.click(screen.getAllByRole("button", { name: "New room" })[0]!);
    const dialog = within(screen.getByRole("dialog"));
    await user.type(dialog.getByLabelText("Name"), "Garden");
    await user.click(dialog.getByRole("switch"));
    await user.type(dialog.getByLabelText("People to begin with"), "bo");
    await user.click(await dialog.findByRole("button", { name: "Choose bob" }));
    await user.type(dialog.getByLabelText("People to begin with"), "ev");
    await user.click(await dialog.findByRole("button", { name: "Choose eve" }));
    await user.click(dialog.getByRole("button", { name: "Leave bob out" }));
    await user.click(dialog.getByRole("button", { name: "Create room" }));
    await vi.waitFor(() => expect(create).toHaveBeenCalledOnce());
    expect(create.mock.calls[0]![0].body).toEqual({ name: "Garden", isPrivate: true, members: [EVE.id] });
  });

  it("is changed and archived by those who may", async () => {
    let room = garden();
    const change = vi.fn(({ body }: { body: any }): object => (room = { ...room, ...body }));
    const { user, fromMenu } = await inGarden({
      "GET /rooms": () => [room],
      [`PATCH /rooms/${ROOM}`]: change,
      [`POST /rooms/${ROOM}/archive`]: () => (room = garden({ archivedAt: "2026-11-20T08:00:00.000Z" })),
    });
    await fromMenu("Room settings");
    await user.clear(screen.getByLabelText("Name"));
    await user.click(screen.getByRole("button", { name: "Save" }));
    screen.getByText("Give the room a name.");
    await user.type(screen.getByLabelText("Name"), "Orchard");
    await user.type(screen.getByLabelText("Topic"), "apples");
    await user.click(screen.getByRole("switch"));
    await user.click(screen.getByRole("button", { name: "Save" }));
    await screen.findByRole("heading", { name: "Orchard" });
    expect(change.mock.calls[0]![0].body).toEqual({ name: "Orchard", topic: "apples", historyVisibility: "sinceJoined" });

    await fromMenu("Room settings");
    await user.click(screen.getByRole("button", { name: "Archive the room" }));
    await screen.findByText(/^This room is archived since/);
    expect(screen.queryByRole("textbox", { name: /^Message to/ })).toBeNull();
  });

  it("has a time of its own for changing messages, and the server's again", async () => {
    let room: object = garden();
    const change = vi.fn(({ body }: { body: any }): object => (room = garden(body.editWindowSeconds === null ? {} : body)));
    const { user, fromMenu } = await inGarden({ "GET /rooms": () => [room], [`PATCH /rooms/${ROOM}`]: change });
    for (const choice of ["1 hour", "as everywhere: 5 minutes"]) {
      await fromMenu("Room settings");
      await user.selectOptions(screen.getByLabelText("Own messages can be changed for"), choice);
      await user.click(screen.getByRole("button", { name: "Save" }));
      await vi.waitFor(() => expect(screen.queryByRole("dialog", { name: "Room settings" })).toBeNull());
    }
    expect(change.mock.calls.map(([{ body }]) => body.editWindowSeconds)).toEqual([3_600, null]);
  });

  it("offers a plain member what is everybody's, and no more", async () => {
    const routes = { [`PUT /users/me/blocks/${BOB.id}`]: () => nothing(), "POST /direct-rooms": () => garden({ id: "d1", kind: "direct" }) };
    const { user, drawer } = await inGarden(routes, garden({ role: "member" }));
    await user.click(screen.getByRole("button", { name: "More about this room" }));
    screen.getByRole("button", { name: "Leave room" });
    expect(screen.queryByRole("button", { name: "Room settings" })).toBeNull();
    await user.keyboard("{Escape}");
    const members = await drawer();
    await members.findByText("owner");
    expect(members.queryByRole("button", { name: /^What to do with alice/ })).toBeNull();
    await user.click(members.getByRole("button", { name: "What to do with bob" }));
    expect(members.getAllByRole("button").map(({ textContent }) => textContent)).not.toContain("Remove");
    await user.click(members.getByRole("button", { name: "Block" }));
    await user.click(members.getByRole("button", { name: "Block" }));
    await members.findByText("bob is blocked.");
    await user.click(members.getByRole("button", { name: "What to do with bob" }));
    await user.click(members.getByRole("button", { name: "Write directly" }));
    await vi.waitFor(() => expect(location.hash).toBe("#/rooms/d1"));
    expect(members.queryByRole("button", { name: "Invite people" })).toBeNull();
  });
});

describe("the members", () => {
  it("are given roles, removed after a question, banned and let in again", async () => {
    const asked: string[] = [];
    const note: Route = ({ path, body }) => (asked.push(`${path} ${JSON.stringify(body ?? null)}`), nothing());
    let bans: object[] = [];
    const { user, drawer } = await inGarden({
      [`PUT /rooms/${ROOM}/members/${BOB.id}/role`]: note,
      [`DELETE /rooms/${ROOM}/members/${BOB.id}`]: note,
      [`GET /rooms/${ROOM}/bans`]: () => ({ bans, nextCursor: null }),
      [`DELETE /rooms/${ROOM}/bans/${EVE.id}`]: () => ((bans = []), nothing()),
    });
    bans = [{ user: EVE, bannedBy: ME.id, bannedAt: invite.createdAt }];
    const members = await drawer();
    await user.click(await members.findByRole("button", { name: "What to do with bob" }));
    await user.click(members.getByRole("button", { name: "Make administrator" }));
    await members.findByText("bob is an administrator now.");
    await user.click(members.getByRole("button", { name: "What to do with bob" }));
    await user.click(members.getByRole("button", { name: "Remove" }));
    expect(asked).toHaveLength(1);
    members.getByText("bob is put out of the room at once.");
    await user.click(members.getByRole("button", { name: "Remove" }));
    await members.findByText("bob is out of the room.");
    expect(asked).toEqual([`/rooms/${ROOM}/members/${BOB.id}/role {"role":"administrator"}`, `/rooms/${ROOM}/members/${BOB.id} null`]);
    await user.click(members.getByRole("button", { name: "Allow eve to come back" }));
    await vi.waitFor(() => expect(members.queryByText("Banned")).toBeNull());
    expect(document.activeElement).toBe(members.getByText("eve may come back."));
  });

  it("stand among the banned at once, and who thinks better of it is where he was", async () => {
    let bans: object[] = [];
    const { user, drawer } = await inGarden({
      [`GET /rooms/${ROOM}/bans`]: () => ({ bans, nextCursor: null }),
      [`PUT /rooms/${ROOM}/bans/${BOB.id}`]: () => ((bans = [{ user: BOB, bannedBy: ME.id, bannedAt: invite.createdAt }]), nothing()),
    });
    const members = await drawer();
    const more = await members.findByRole("button", { name: "What to do with bob" });
    await user.click(more);
    await user.click(members.getByRole("button", { name: "Ban" }));
    await user.click(members.getByRole("button", { name: "Cancel" }));
    expect(document.activeElement).toBe(more);
    await user.click(members.getByRole("button", { name: "Ban" }));
    await user.click(members.getByRole("button", { name: "Ban" }));
    await members.findByRole("button", { name: "Allow bob to come back" });
    expect(document.activeElement).toBe(members.getByText("bob is banned."));
  });

  it("are told of again when the same is done to them again", async () => {
    const { user, drawer } = await inGarden({ [`PUT /users/me/blocks/${BOB.id}`]: () => nothing() });
    const members = await drawer();
    for (const _ of [1, 2]) {
      await user.click(await members.findByRole("button", { name: "What to do with bob" }));
      await user.click(members.getByRole("button", { name: "Block" }));
      await user.click(members.getByRole("button", { name: "Block" }));
      await vi.waitFor(() => expect(document.activeElement?.textContent).toBe("bob is blocked."));
    }
  });

  it("are muted for a reason that is told, and are not muted any more when the time is over", async () => {
    let bob: User = { ...BOB, role: "member" };
    const mute = vi.fn((_: { body: any }) => ((bob = { ...bob, mutedUntil: new Date(Date.now() + 900).toISOString(), muteReason: "spam" }), nothing()));
    const { user, drawer } = await inGarden({
      [`GET /rooms/${ROOM}/members`]: () => ({ members: [ME, bob], nextCursor: null }),
      [`PUT /rooms/${ROOM}/members/${BOB.id}/mute`]: mute,
    });
    const members = await drawer();
    await user.click(await members.findByRole("button", { name: "What to do with bob" }));
    await user.click(members.getByRole("button", { name: "Mute for an hour" }));
    members.getByText("Optional. Shown to bob, the owner and the administrators; sent to everybody in the room.");
    await user.type(members.getByLabelText("Reason"), "spam");
    await user.click(members.getByRole("button", { name: "Mute for an hour" }));
    await members.findByText("bob may only read for an hour.");
    expect(mute.mock.calls[0]![0].body).toEqual({ until: expect.any(String), reason: "spam" });
    await members.findByText(/^muted until \d/);
    members.getByText("The reason: spam");
    await vi.waitFor(() => expect(members.queryByText(/^muted until|^The reason/)).toBeNull(), 3_000);
    await user.click(members.getByRole("button", { name: "What to do with bob" }));
    members.getByRole("button", { name: "Mute for a day" });
  });

  it("are added at once, and a refusal is said there", async () => {
    const { user, drawer } = await inGarden({ [`POST /rooms/${ROOM}/members`]: () => problem(409, "conflict", { detail: "the person is banned" }) });
    const members = await drawer();
    await user.type(members.getByLabelText("Add somebody at once"), "ev");
    await user.click(await members.findByRole("button", { name: "Add eve" }));
    await members.findByText("The person is banned.");
  });
});

describe("invitations", () => {
  it("are made for one person and by a link that is shown once, and taken back", async () => {
    let invites: object[] = [];
    const { user, drawer } = await inGarden({
      [`GET /rooms/${ROOM}/invites`]: () => ({ invites }),
      [`POST /rooms/${ROOM}/invites`]: ({ body }) => {
        invites = [...invites, { ...invite, id: `i${invites.length}`, ...(body.userId ? { userId: body.userId } : { maxUses: body.maxUses }) }];
        return Response.json({ ...invite, token: "secret-token" }, { status: 201 });
      },
      [`DELETE /rooms/${ROOM}/invites/i0`]: () => ((invites = invites.slice(1)), nothing()),
    });
    await user.click((await drawer()).getByRole("button", { name: "Invite people" }));
    const dialog = within(await screen.findByRole("dialog", { name: "Invite people to Garden" }));
    await user.type(dialog.getByLabelText("Invite by user name"), "ev");
    await user.click(await dialog.findByRole("button", { name: "Invite eve" }));
    await dialog.findByText("eve is invited.");
    await user.selectOptions(dialog.getByLabelText("Lets in"), "10 people");
    await user.click(dialog.getByRole("button", { name: "Make a link" }));
    await dialog.findByText(/#\/invite\/secret-token$/);
    expect(document.activeElement).toBe(dialog.getByRole("heading", { name: "Your link" }));
    await dialog.findByText(/used 0 of 10 times/);
    await user.click(dialog.getAllByRole("button", { name: /^Take back the invitation of/ })[0]!);
    await dialog.findByText("The invitation is taken back.");
  });

  it("by link survive logging in, and lead into the room", async () => {
    const { user } = openPage("#/invite/tok", {
      user: null,
      routes: {
        "POST /auth/register": () => ({ user: ME, token: "a", refreshToken: "r" }),
        "GET /users/me": () => ME,
        "GET /invites/tok": () => ({ invite, room: garden({ members: [], role: undefined }) }),
        "POST /invites/tok/accept": () => garden(),
        "GET /rooms": () => [garden()],
      },
    });
    await screen.findByText(/^You are invited to a room/);
    await user.click(screen.getByRole("link", { name: "Create an account" }));
    await user.type(await screen.findByLabelText("User name"), "alice");
    await user.type(screen.getByLabelText("E-mail address"), "alice@example.com");
    await user.type(screen.getByLabelText("Password"), "a long password{Enter}");
    await screen.findByRole("heading", { name: "You are invited to Garden" });
    await user.click(screen.getByRole("button", { name: "Join the room" }));
    await screen.findByRole("heading", { name: "Garden" });
  });

  it.each([
    ["that are over say so", () => problem(404, "notFound"), "This invitation is not open any more"],
    ["that cannot be loaded say so", () => problem(503, "unavailable"), "The invitation could not be loaded"],
  ])("%s", async (_, answer, title) => {
    openPage("#/invite/tok", { routes: { "GET /invites/tok": answer } });
    await screen.findByRole("heading", { name: title });
  });

  it("to oneself wait beside the rooms until they are answered", async () => {
    let invites: object[] = [{ invite, room: garden() }];
    const { user } = openPage("#/rooms", {
      routes: { "GET /users/me/invites": () => ({ invites }), "DELETE /users/me/invites/i1": () => ((invites = []), nothing()) },
    });
    await user.click(await screen.findByRole("button", { name: "Decline the invitation to Garden" }));
    await vi.waitFor(() => expect(screen.queryByRole("region", { name: "Invitations" })).toBeNull());
  });
});

describe("a direct conversation", () => {
  it("is opened with whom one chooses, and called by the other one", async () => {
    const direct = garden({ kind: "direct", name: "bob", role: "member", members: [ME, { ...BOB, displayName: "Bob B." }] });
    let rooms: object[] = [];
    const open = vi.fn((_: { body: any }) => ((rooms = [direct]), direct));
    const { user } = openPage("#/rooms", { routes: { "GET /users": found, "GET /rooms": () => rooms, "POST /direct-rooms": open } });
    await screen.findByText("Rooms you join appear here.");
    await user.click(screen.getByRole("button", { name: "New conversation" }));
    const dialog = within(screen.getByRole("dialog"));
    await user.type(dialog.getByLabelText("With whom?"), "bo");
    await user.click(await dialog.findByRole("button", { name: "Choose bob" }));
    await user.click(dialog.getByRole("button", { name: "Start" }));
    await screen.findByRole("heading", { name: "Bob B." });
    expect(open.mock.calls[0]![0].body).toEqual({ userIds: [BOB.id] });
    await user.click(screen.getByRole("button", { name: "More about this room" }));
    expect(screen.queryByRole("button", { name: "Leave room" })).toBeNull();
  });
});

describe("the directory", () => {
  it("is searched as one types", async () => {
    const { user } = openPage("#/rooms", {
      routes: { "GET /directory/rooms": ({ path }) => ({ rooms: path.includes("query=") ? [] : [garden({ isPrivate: false })], nextCursor: null }) },
    });
    await screen.findByText("Rooms you join appear here.");
    await user.click(screen.getAllByRole("button", { name: "Browse rooms" })[0]!);
    await screen.findByRole("button", { name: "Join Garden" });
    await user.type(screen.getByLabelText("Search"), "shed");
    await screen.findByText("No public room is called something like “shed”.");
    expect(screen.queryByRole("button", { name: "Join Garden" })).toBeNull();
  });
});
