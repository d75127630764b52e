// What pages look like in states that are hard to come by: the page, its policy and the socket are the server's, some
// answers are made by hand.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import decodeQR from "qr/decode.js";
import { ChatServer, launchBrowser, Person } from "./support.mjs";

const AT = "2026-11-20T08:00:00.000Z";
const person = (id, username, more = {}) => ({ id: `00000000-0000-4000-8000-00000000000${id}`, username, email: `${id}@users.invalid`, ...more });
const EVE = person(1, "eve", { displayName: "Eve of Adamstown", statusText: "gone fishing until Monday", role: "administrator" });
const MAL = person(2, "mal");
let server, browser, dora, room;

before(async () => {
  server = await ChatServer.start();
  browser = await launchBrowser();
  dora = await Person.arrive(browser, server, "dora");
  await dora.register();
  await dora.page.getByRole("button", { name: "New room" }).first().click();
  await dora.page.getByRole("textbox", { name: "Name", exact: true }).fill("Workshop");
  await dora.page.getByRole("button", { name: "Create room" }).click();
  await dora.composer.waitFor();
  room = new URL(dora.page.url()).hash.split("/").at(-1);
});

after(async () => {
  await browser?.close();
  await server?.dispose();
});

/** Answers `METHOD path` by hand; a function makes the answer of the server's own. */
async function answer(key, made, status = 200) {
  const [method, path] = key.split(" ");
  await dora.context.route(
    (url) => url.origin === server.url && url.pathname === path,
    async (route) => {
      if (route.request().method() !== method) return route.fallback();
      if (typeof made !== "function") return route.fulfill({ status, json: made });
      const own = await route.fetch();
      await route.fulfill({ response: own, json: made(await own.json()) });
    },
  );
}

const go = async (hash) => {
  await dora.page.goto(`${dora.url}${hash}`);
  await dora.page.reload();
};

test("a second factor is set up: the code can be scanned, the recovery codes kept", async () => {
  const uri = "otpauth://totp/chat:dora?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=chat&algorithm=SHA1&digits=6&period=30";
  await answer("POST /users/me/second-factor", { secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", uri }, 201);
  const recoveryCodes = Array.from({ length: 10 }, (_, n) => `${n}k3f-9x2m-q7w1`);
  await answer("POST /users/me/second-factor/confirm", { recoveryCodes });
  await go("#/settings/account");
  const section = dora.page.getByRole("region", { name: "Second factor" });
  await section.getByRole("button", { name: "Set up" }).click();
  await section.getByLabel("Your password").fill("anything");
  await section.getByRole("button", { name: "Continue" }).click();
  const code = section.getByRole("img", { name: /^QR code/ });
  for (const colorScheme of ["light", "dark"]) {
    await dora.page.emulateMedia({ colorScheme });
    await code.scrollIntoViewIfNeeded();
    assert.equal(await scanned(await code.screenshot()), uri);
  }
  await dora.looksRight("factor-scan");
  await section.getByRole("textbox", { name: "Code" }).fill("123456");
  await section.getByRole("button", { name: "Turn on" }).click();
  await section.getByText("0k3f-9x2m-q7w1").waitFor();
  await dora.looksRight("factor-codes");
});

/** Reads a picture of a QR code, as a phone would. */
async function scanned(png) {
  const page = await browser.newPage();
  const image = await page.evaluate(async (base64) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { width, height, data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return { width, height, data: [...data] };
  }, png.toString("base64"));
  await page.close();
  return decodeQR({ ...image, data: Uint8Array.from(image.data) });
}

test("blocked people and one's data", async () => {
  await answer("GET /users/me/blocks", { users: [EVE, MAL] });
  await answer("GET /users", { users: [person(3, "mallory")] });
  await go("#/settings/privacy");
  await dora.page.getByRole("button", { name: "Unblock mal", exact: true }).waitFor();
  await dora.page.getByLabel("Block somebody").fill("ma");
  await dora.page.getByRole("button", { name: "Block mallory" }).waitFor();
  await dora.looksRight("blocked");

  const job = (id, state, progress) => ({ id, kind: "export", state, progress, createdAt: AT });
  await answer("GET /users/me/jobs", { jobs: [job("1", "running", 0.4), job("2", "done", 1), job("3", "failed", 0.2)] });
  await go("#/settings/data");
  await dora.page.getByRole("button", { name: "Download" }).waitFor();
  await dora.looksRight("data");
  await dora.page.getByRole("button", { name: "Delete my account" }).click();
  await dora.looksRight("delete-account");
  await dora.page.keyboard.press("Escape");
});

test("files on their way, and in messages", async () => {
  // What Eve says is shown again.
  await answer("GET /users/me/blocks", { users: [MAL] });
  const picture = await dora.page.screenshot();
  const file = (id, name, type) => ({ id, url: `${server.url}/attachments/${id}`, thumbnailUrl: null, name, type, size: 123_456 });
  await dora.context.route(/\/attachments\/pic/, (route) => route.fulfill({ contentType: "image/png", body: picture }));
  await dora.context.route(/\/attachments\/gone/, (route) => route.fulfill({ status: 404 }));
  const message = (seq, content, attachments) => ({
    id: `m${seq}`, roomId: room, userId: seq % 2 ? EVE.id : undefined, content, attachments, createdAt: AT, updatedAt: AT, seq,
  });
  await answer("GET /messages", (own) => ({
    ...own,
    messages: [
      message(5, "", [file("pic1", "one.png", "image/png"), file("pic2", "two.png", "image/png"), file("gone", "three.png", "image/png")]),
      message(3, "The plans, and how it looks now", [file("pic3", "shed.png", "image/png"), file("doc", "A plan with a rather long name for the whole of next year.pdf", "application/pdf")]),
    ],
  }));
  await go(`#/rooms/${room}`);
  await dora.page.getByAltText("shed.png").waitFor();
  await dora.page.getByRole("button", { name: /could not be loaded/ }).waitFor();
  let uploads = 0;
  await dora.context.route(`${server.url}/attachments`, (route) => {
    uploads += 1;
    if (uploads === 1) return route.fulfill({ status: 201, json: file("pic9", "shed.png", "image/png") });
    if (uploads === 2) return route.fulfill({ status: 415, json: { code: "unsupportedMedia", title: "No", status: 415 } });
    // The third is never answered.
  });
  const chosen = (name, mimeType, size = 4_000) => ({ name, mimeType, buffer: name.endsWith("png") ? picture : Buffer.alloc(size) });
  const input = dora.page.locator(".composer input[type=file]");
  await input.setInputFiles([chosen("shed.png", "image/png")]);
  await dora.page.getByText("ready").waitFor();
  await input.setInputFiles([chosen("letter.docx", "")]);
  await dora.page.getByText(/^What is in it is no JPEG/).waitFor();
  await input.setInputFiles([chosen("plan.pdf", "application/pdf", 9_000_000)]);
  await dora.page.getByRole("button", { name: "Cancel plan.pdf" }).waitFor();
  await dora.looksRight("tray");
  await input.setInputFiles([chosen("all.zip", "application/zip")]);
  await dora.page.getByText(/^all\.zip: This kind of file is not taken/).waitFor();
  await dora.page.getByRole("button", { name: "Cancel plan.pdf" }).click();
  await dora.page.getByRole("button", { name: "Try letter.docx again" }).waitFor();
  for (const name of ["letter.docx", "shed.png"]) await dora.page.getByRole("button", { name: `Remove ${name}` }).click();
  await dora.looksRight("attachments");
  await dora.page.getByRole("button", { name: "Open picture shed.png" }).click();
  await dora.page.getByRole("dialog").getByAltText("shed.png").waitFor();
  await dora.looksRight("picture");
  await dora.page.keyboard.press("Escape");
});

test("messages with what stands beside them", async () => {
  const me = (await server.get("/users/me", await dora.apiToken())).id;
  const at = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  const said = (seq, userId, content, minutes, more = {}) => ({
    id: `00000000-0000-4000-8000-0000000001${seq}`, roomId: room, userId, content, attachments: [], createdAt: at(minutes), updatedAt: at(minutes), seq, reactions: [], ...more,
  });
  const reaction = (emoji, count, isOwn) => ({ emoji, count, isOwn, userIds: [EVE.id, ...(isOwn ? [me] : [])].slice(0, count) });
  const thread = { replies: 3, lastReplyAt: at(9), participants: [EVE.id, me], unread: 2 };
  const root = said(11, EVE.id, "Who has the long ladder? The gutter over the door is full again.", 60, {
    reactions: [reaction("👀", 1, false), reaction("👍", 12, true)], thread, isPinned: true,
  });
  const replies = [
    said(12, me, "It stands behind the shed, I think", 50, { replyTo: root.id, threadRoot: root.id }),
    said(13, EVE.id, "Found it. @dora you can have it on Sunday, if you bring it back before the rain", 40, { replyTo: `${root.id.slice(0, -2)}12`, threadRoot: root.id, reactions: [reaction("🎉", 2, true)] }),
    said(14, me, "So I will", 2, { replyTo: root.id, threadRoot: root.id, reactions: [reaction("❤️", 1, false)] }),
    said(15, EVE.id, "", 1, { deletedAt: at(1), by: me, reason: "twice" }),
  ];
  await answer("GET /rooms", (own) => own.map((one) => ({ ...one, role: "owner", kind: "room", settings: { notifications: "mentions", mutedUntil: at(-60), isFavourite: true } })));
  await answer(`GET /rooms/${room}/members`, { members: [person(9, "dora", { id: me, role: "owner" }), EVE], nextCursor: null });
  await answer("GET /messages", { messages: [root, ...replies].toReversed(), nextCursor: null, newerCursor: null });
  await answer(`GET /messages/${root.id}/thread`, { root, messages: replies.toReversed(), nextCursor: null });
  await answer(`PUT /messages/${root.id}/thread/read`, null, 204);
  await answer(`GET /rooms/${room}/pins`, { messages: [root] });
  const reports = [{ id: "r1", message: replies[1], reporters: [{ userId: me, reason: "It is my ladder", createdAt: at(5) }], createdAt: at(5), status: "open" }];
  await answer(`GET /rooms/${room}/reports`, { reports, nextCursor: null });
  await answer("GET /messages/search", { results: [{ message: root, before: null, after: replies[0] }, { message: replies[1], before: replies[0], after: replies[2] }], nextCursor: "more" });
  await go(`#/rooms/${room}`);
  const { page } = dora;
  await dora.sees(root.content);
  await page.getByRole("link", { name: /^Answers Eve/ }).first().waitFor();
  await dora.looksRight("beside");
  const bubble = dora.bubbles("So I will");
  await bubble.hover();
  await bubble.getByRole("button", { name: "React" }).click();
  await dora.looksRight("emoji");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: /^Answers Eve/ }).first().click();
  await page.locator(".message-target").waitFor();
  await dora.shot("target");

  // From the composer up to a message, on to what can be done to it, and back.
  await dora.composer.focus();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  for (let n = 0; n < 4 && (await page.evaluate(() => !document.activeElement.matches(".message"))); n += 1) await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("ArrowUp");
  const named = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  await page.keyboard.press("Tab");
  if (/^Answers/.test(await named())) await page.keyboard.press("Tab");
  assert.equal(await named(), "React");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Edit message" }).waitFor();
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Copy link");
  await dora.looksRight("message-menu");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByText(/^Reply to dora/).waitFor();
  await dora.looksRight("replying");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: /^3 replies/ }).click();
  await page.getByRole("complementary", { name: "Thread" }).getByText("So I will").waitFor();
  await dora.looksRight("thread");
  await page.getByRole("button", { name: "Close the thread" }).click();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Search" }).waitFor();
  await dora.looksRight("search");
  await page.keyboard.type("ladder");
  await page.keyboard.press("Enter");
  await page.getByRole("list", { name: "Found" }).waitFor();
  await dora.looksRight("search-found");
  await page.keyboard.press("Escape");
  for (const [choice, name] of [["Pinned messages", "pins"], ["Notifications", "notifications"], ["Reported messages", "reports"], ["Room settings", "room-settings-more"]]) {
    await dora.fromMenu(choice);
    await page.getByRole("dialog", { name: choice }).waitFor();
    await page.getByRole("dialog", { name: choice }).getByText(/Loading/).waitFor({ state: "detached" });
    await dora.looksRight(name);
    await page.keyboard.press("Escape");
  }
  await dora.fromMessage(replies[1].content, "Delete message");
  await dora.looksRight("delete-reason");
  await page.keyboard.press("Escape");
  await dora.fromMessage(replies[1].content, "Report");
  await dora.looksRight("report");
  await page.keyboard.press("Escape");
  await go("#/settings/notifications");
  await page.getByRole("heading", { name: "Notices on this device" }).waitFor();
  await dora.looksRight("notices");
});

test("members, roles, invitations and the settings of a room", async () => {
  const mine = (own) => ({ ...own, role: "owner", kind: "room", topic: "tools for spring", historyVisibility: "all" });
  const members = async () => ({ members: [person(9, "dora", { role: "owner" }), EVE, person(4, "frank", { role: "member" })], nextCursor: null });
  await answer("GET /rooms", (own) => own.map(mine));
  await answer(`GET /rooms/${room}/members`, await members());
  await answer(`GET /rooms/${room}/bans`, { bans: [{ user: MAL, bannedBy: EVE.id, bannedAt: AT }], nextCursor: null });
  const invite = { id: "i1", roomId: room, invitedBy: EVE.id, createdAt: AT, expiresAt: AT, maxUses: 10, uses: 3 };
  await answer(`GET /rooms/${room}/invites`, { invites: [invite] });
  await answer(`POST /rooms/${room}/invites`, { ...invite, token: "Zm9yIG9uZSBsaW5rIG9mIGFuIGludml0YXRpb24tdGhhdC1pcy1sb25n" }, 201);
  await answer("GET /users/me/invites", { invites: [{ invite: { ...invite, id: "i2" }, room: { id: "r2", name: "Book club", isPrivate: true } }] });
  await answer("GET /invites/tok", { invite, room: { id: "r2", name: "Book club", description: "One book a month, and cake", isPrivate: true, memberCount: 7 } });
  await go(`#/rooms/${room}`);
  const { page } = dora;
  await page.getByRole("region", { name: "Invitations" }).waitFor();
  await page.getByRole("button", { name: /^Members/ }).click();
  await page.getByRole("button", { name: "What to do with frank" }).click();
  await dora.looksRight("members");
  await page.getByRole("button", { name: "Ban", exact: true }).click();
  await dora.looksRight("members-question");
  await page.getByRole("button", { name: "Invite people" }).click();
  await page.getByRole("button", { name: "Make a link" }).waitFor();
  await dora.looksRight("invite");
  await page.getByRole("button", { name: "Make a link" }).click();
  await page.getByText("Your link").waitFor();
  await dora.looksRight("invite-link");
  await page.keyboard.press("Escape");
  await dora.fromMenu("Room settings");
  await dora.looksRight("room-settings");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByLabel("With whom?").fill("ma");
  await page.getByRole("button", { name: "Choose mallory" }).click();
  await page.getByRole("button", { name: "Leave mallory out" }).waitFor();
  await dora.looksRight("direct");
  await go("#/invite/tok");
  await page.getByRole("heading", { name: "You are invited to Book club" }).waitFor();
  await dora.looksRight("invited");
});

test("no page met an error on the way", () => {
  assert.deepEqual(dora.errors, []);
});
