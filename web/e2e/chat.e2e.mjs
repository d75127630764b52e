// Two people, one server, one story: each step builds on the one before.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { ChatServer, launchBrowser, Person, SHOTS } from "./support.mjs";

const HISTORY = 120;
let server, browser, alice, bob;

before(async () => {
  server = await ChatServer.start();
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.dispose();
});

test("the login and registration pages have no accessibility faults", async () => {
  alice = await Person.arrive(browser, server, "alice");
  await alice.page.getByRole("heading", { name: "Log in" }).waitFor();
  await alice.passesAxe("the login page");
  await alice.shot("login-light");
  await alice.page.getByRole("button", { name: "Log in" }).click();
  await alice.page.getByText("Enter your password.").waitFor();
  await alice.passesAxe("the login page with errors");
});

test("two people register, and find no rooms yet", async () => {
  await alice.register();
  bob = await Person.arrive(browser, server, "bob", { colorScheme: "dark" });
  await bob.page.getByRole("heading", { name: "Log in" }).waitFor();
  await bob.shot("login-dark");
  await bob.passesAxe("the dark login page");
  await bob.register();
  await bob.page.getByText("Rooms you join appear here.").waitFor();
  await bob.shot("empty-dark");
  await bob.passesAxe("the empty room list");
});

test("no script of the page finds a token, and a second tab is let in by the cookie", async () => {
  assert.doesNotMatch(await alice.stored(), /eyJ|token/i);
  const kept = (await alice.context.cookies()).filter(({ name }) => name.endsWith("chat_refresh"));
  assert.deepEqual(kept.map(({ httpOnly, sameSite, path }) => ({ httpOnly, sameSite, path })), [
    { httpOnly: true, sameSite: "Strict", path: "/auth" },
  ]);
  const tab = await alice.context.newPage();
  // Both at once, several times: each takes the cookie of the other, or the same.
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([alice.page.goto(alice.url), tab.goto(alice.url)]);
    await Promise.all([alice.page, tab].flatMap((page) => [page.reload(), page.waitForLoadState()]));
  }
  for (const page of [alice.page, tab]) await page.getByText("Rooms you join appear here.").waitFor();
  await tab.close();
});

test("one makes a room, the other finds it in the directory and joins", async () => {
  const { page } = alice;
  await page.getByRole("button", { name: "New room" }).first().click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Garden club");
  await page.getByRole("textbox", { name: "Description" }).fill("Seeds, tools, the weather and whatever else grows from the first of March to the last of October, here and abroad");
  await alice.passesAxe("the dialog for a new room");
  await alice.shot("new-room-light");
  await page.getByRole("button", { name: "Create room" }).click();
  await page.getByRole("heading", { name: "Garden club", level: 1 }).waitFor();
  assert.equal(await page.title(), "Garden club · Chat");
  await page.getByText("Write the first message below.").waitFor();
  await alice.shot("new-room-empty-light");

  await bob.page.getByRole("button", { name: "Browse rooms" }).first().click();
  await bob.page.getByRole("button", { name: "Join Garden club" }).waitFor();
  await bob.passesAxe("the directory");
  await bob.shot("directory-dark");
  await bob.page.getByRole("button", { name: "Join Garden club" }).click();
  await bob.page.getByRole("heading", { name: "Garden club", level: 1 }).waitFor();
});

test("they chat both ways, live", async () => {
  await alice.send("Good morning!");
  await bob.sees("Good morning!");
  await bob.send("Hello alice,\nthe tomatoes are up: https://example.com/tomatoes.");
  await alice.page.getByText("the tomatoes are up").first().waitFor();
  const link = alice.page.getByRole("link", { name: "https://example.com/tomatoes", exact: true });
  assert.equal(await link.getAttribute("href"), "https://example.com/tomatoes");
  assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
  await alice.send("<b>not bold</b>");
  await bob.seesOnce("<b>not bold</b>");
  await alice.seesOnce("Good morning!");
  await bob.page.locator(".message-author", { hasText: "alice" }).first().waitFor();
  await alice.passesAxe("the room");
  await bob.passesAxe("the dark room");
});

test("who writes is seen writing, and who is here is seen here", async () => {
  // A page tells of it once in three seconds, and bob has just written something.
  const writes = bob.composer.pressSequentially("the beans, slowly", { delay: 250 });
  await alice.page.getByText("bob is typing…").waitFor();
  await alice.page.getByRole("link", { name: /Garden club/ }).getByText("bob is online").waitFor();
  await alice.page.locator(".room-heading").getByText(/^bob: online · Seeds/).waitFor();
  await alice.shot("typing-light");
  await alice.passesAxe("the room while somebody writes");
  await writes;
  await bob.composer.press("Enter");
  await alice.sees("the beans, slowly");
  await alice.page.getByText("bob is typing…").waitFor({ state: "detached" });
  await alice.send("Which ones?");
  await bob.sees("Which ones?");
  await alice.bubbles("Which ones?").getByRole("img", { name: "Read" }).waitFor();
});

test("what is unread is counted, and read on one device it is read on the other", async () => {
  const phone = await Person.arrive(browser, server, "bob", { viewport: { width: 375, height: 740 }, colorScheme: "dark" });
  await phone.page.getByLabel("E-mail address").fill(bob.email);
  await phone.page.getByLabel("Password").fill(bob.password);
  await phone.page.getByRole("button", { name: "Log in" }).click();
  await bob.page.getByRole("button", { name: "New room" }).first().click();
  await bob.page.getByRole("textbox", { name: "Name", exact: true }).fill("Shed");
  await bob.page.getByRole("button", { name: "Create room" }).click();
  await bob.page.getByRole("heading", { name: "Shed", level: 1 }).waitFor();

  await alice.send("one thing");
  await alice.send("and another, @bob");
  for (const device of [bob, phone]) {
    const link = device.page.getByRole("link", { name: /Garden club/ });
    await link.getByText("2 unread messages").waitFor();
    await link.getByText("1 mention", { exact: true }).waitFor();
    await device.passesAxe("the room list with unread messages");
  }
  await bob.shot("unread-dark");
  await phone.shot("unread-narrow-dark");
  await bob.page.getByRole("link", { name: /Garden club/ }).click();
  await bob.seesOnce("and another, @bob");
  for (const device of [bob, phone]) {
    await device.page.getByText("unread message", { exact: false }).waitFor({ state: "detached" });
  }
  assert.deepEqual(phone.errors, []);
  await phone.context.close();

  await bob.page.getByRole("link", { name: /Shed/ }).click();
  await bob.page.getByRole("heading", { name: "Shed", level: 1 }).waitFor();
  await bob.fromMenu("Leave room");
  await bob.page.getByRole("dialog").getByRole("button", { name: "Leave room" }).click();
  await bob.page.getByRole("link", { name: /Shed/ }).waitFor({ state: "detached" });
  await bob.page.getByRole("link", { name: /Garden club/ }).click();
  await bob.page.getByRole("heading", { name: "Garden club", level: 1 }).waitFor();
});

test("a message is edited and another deleted, for both", async () => {
  await alice.send("teh weather");
  await bob.sees("teh weather");
  await alice.composer.press("ArrowUp");
  const edit = alice.page.getByRole("textbox", { name: "Edit message" });
  await edit.fill("the weather");
  const [save, field] = await Promise.all([alice.page.getByRole("button", { name: "Save" }), alice.composer].map((part) => part.boundingBox()));
  assert.ok(save.y + save.height <= field.y, "what ends it is in sight");
  await alice.shot("edit-light");
  await alice.passesAxe("the editor");
  await edit.press("Enter");
  await bob.seesOnce("the weather");
  await bob.bubbles("the weather").getByText("edited").waitFor();
  assert.equal(await bob.bubbles("teh weather").count(), 0);

  await alice.send("a slip");
  await bob.sees("a slip");
  await alice.fromMessage("a slip", "Delete message");
  await alice.passesAxe("the question before deleting");
  await alice.shot("delete-light");
  await alice.page.getByRole("button", { name: "Delete", exact: true }).click();
  for (const person of [alice, bob]) {
    await person.sees("message deleted");
    assert.equal(await person.bubbles("a slip").count(), 0);
  }
});

test("a long history is read by scrolling up, without losing one's place", async () => {
  const token = await alice.apiToken();
  const roomId = new URL(alice.page.url()).hash.split("/").at(-1);
  await server.seed(token, roomId, HISTORY);
  await bob.sees(`seeded message number ${HISTORY}`);
  await bob.page.reload();
  await bob.sees(`seeded message number ${HISTORY}`);
  assert.equal(await bob.bubbles("Good morning!").count(), 0, "the oldest page is not loaded at first");

  const list = bob.page.getByRole("region", { name: /^Messages in/ });
  for (let page = 0; page < 10 && (await bob.bubbles("Good morning!").count()) === 0; page += 1) {
    const first = await bob.page.locator(".message").first().getAttribute("data-message-id");
    await list.evaluate((el) => el.scrollTo(0, 0));
    await bob.page.waitForFunction(
      (id) => document.querySelector(".message").dataset.messageId !== id,
      first,
    );
    const place = await bob.page.locator(`[data-message-id="${first}"]`).boundingBox();
    assert.ok(place.y > -200 && place.y < 400, `the message read stays in sight (it is at ${place.y})`);
  }
  await bob.seesOnce("Good morning!");
  for (const n of [1, 60, HISTORY]) await bob.seesOnce(`seeded message number ${n}`);

  await list.evaluate((el) => el.scrollTo(0, 0));
  await alice.send("are you still there?");
  const jump = bob.page.getByRole("button", { name: "1 new message" });
  await jump.waitFor();
  await bob.shot("history-dark");
  await bob.passesAxe("the room with history");
  await jump.click();
  await jump.waitFor({ state: "detached" });
  await bob.seesOnce("are you still there?");
});

test("of a busy room the newest messages stay in the page, and the others come back by scrolling up", async () => {
  const BUSY = 600;
  const token = await alice.apiToken();
  const roomId = new URL(alice.page.url()).hash.split("/").at(-1);
  for (let n = 1; n <= BUSY; n += 1) {
    await server.post("/messages", token, { roomId, content: `busy number ${n}.` }, { "idempotency-key": randomUUID() });
  }
  await bob.sees(`busy number ${BUSY}.`);
  assert.ok((await bob.page.locator(".message").count()) <= 500, "old messages are let go at the end");

  const list = bob.page.getByRole("region", { name: /^Messages in/ });
  for (let page = 0; page < 40 && (await bob.bubbles("busy number 1.").count()) === 0; page += 1) {
    const first = await bob.page.locator(".message").first().getAttribute("data-message-id");
    await list.evaluate((el) => el.scrollTo(0, 0));
    await bob.page.waitForFunction((id) => document.querySelector(".message").dataset.messageId !== id, first);
  }
  const texts = await bob.page.locator(".message-text").allTextContents();
  const busy = texts.filter((text) => text.startsWith("busy number"));
  assert.deepEqual(busy, Array.from({ length: BUSY }, (_, n) => `busy number ${n + 1}.`));

  const there = await bob.page.locator(".message").count();
  await alice.send("quiet again");
  await bob.page.getByRole("button", { name: "1 new message" }).waitFor();
  assert.equal(await bob.page.locator(".message").count(), there + 1, "nothing goes while one reads further up");
  await bob.page.getByRole("button", { name: "1 new message" }).click();
  await bob.page.waitForFunction(() => document.querySelectorAll(".message").length <= 500);
  await bob.seesOnce("quiet again");
});

test("what is sent while the server is dead arrives exactly once after its return", async () => {
  await alice.composer.pressSequentially("written while");
  await server.kill();
  await alice.composer.pressSequentially(" it was down");
  await alice.composer.press("Enter");
  await alice.bubbles("written while it was down").getByRole("img", { name: "Sending" }).waitFor();
  await alice.send("and a second one");
  await alice.page.getByText("Your messages are kept and will be sent.").waitFor();
  await alice.passesAxe("the room without a server");
  await alice.shot("offline-light");

  await server.run();
  for (const person of [alice, bob]) {
    // The button of the banner, so that the story need not wait for the backoff.
    await person.page.getByRole("button", { name: "Try now" }).click({ timeout: 3_000 }).catch(() => {});
    await person.page.locator(".banner").waitFor({ state: "detached", timeout: 70_000 });
    await person.seesOnce("written while it was down");
    await person.seesOnce("and a second one");
  }
  await alice.bubbles("and a second one").getByRole("img", { name: /^(Sent|Delivered|Read)/ }).waitFor();
  const order = await bob.page.locator(".message-text").allTextContents();
  assert.ok(order.indexOf("written while it was down") < order.indexOf("and a second one"));
});

test("a reload keeps the room and the unsent messages", async () => {
  // The page is still served, and lets him in; the socket is not reached.
  const unreachable = /\/ws\/ticket$/;
  await bob.context.route(unreachable, (route) => route.abort());
  await bob.page.reload();
  await bob.send("kept over a reload");
  await bob.bubbles("kept over a reload").getByRole("img", { name: "Sending" }).waitFor();
  await bob.page.reload();
  await bob.sees("kept over a reload");
  await bob.page.getByRole("heading", { name: "Garden club", level: 1 }).waitFor();
  await bob.context.unroute(unreachable);
  await bob.page.getByRole("button", { name: "Try now" }).click({ timeout: 5_000 }).catch(() => {});
  await bob.bubbles("kept over a reload").getByRole("img", { name: /^(Sent|Delivered|Read)/ }).waitFor({ timeout: 70_000 });
  for (const person of [alice, bob]) await person.seesOnce("kept over a reload");
});

test("the members are listed", async () => {
  await alice.page.getByRole("button", { name: /^Members/ }).click();
  const dialog = alice.page.getByRole("dialog", { name: "Members" });
  await dialog.getByText("bob").waitFor();
  await alice.passesAxe("the members");
  await alice.shot("members-light");
  await alice.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

test("light, dark and narrow all look as they should", async () => {
  await alice.shot("room-light");
  await bob.shot("room-dark");
  const narrow = { width: 375, height: 740 };
  for (const [person, scheme] of [[alice, "light"], [bob, "dark"]]) {
    await person.page.setViewportSize(narrow);
    await person.shot(`room-narrow-${scheme}`);
    await person.passesAxe("the narrow room");
    await person.fitsTheWidth();
    await person.page.getByRole("link", { name: "Back to your rooms" }).click();
    await person.page.getByRole("link", { name: /Garden club/ }).waitFor();
    await person.shot(`rooms-narrow-${scheme}`);
    await person.passesAxe("the narrow room list");
    await person.fitsTheWidth();
    await person.page.setViewportSize({ width: 1200, height: 780 });
    await person.page.getByRole("link", { name: /Garden club/ }).click();
  }
});

test("logging out leaves nothing behind", async () => {
  await bob.page.getByRole("button", { name: "Log out" }).click();
  await bob.page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.equal(await bob.page.evaluate(() => localStorage.length), 0);
});

test("the keyboard alone logs in, opens a room and sends", async () => {
  const { page } = bob;
  await page.goto(bob.url);
  await page.reload();
  await page.getByLabel("E-mail address").waitFor();
  await page.keyboard.type(bob.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(bob.password);
  await page.keyboard.press("Enter");
  const room = page.getByRole("link", { name: /Garden club/ });
  await room.waitFor();
  for (let step = 0; step < 20; step += 1) {
    if (await room.evaluate((el) => el === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  assert.ok(await room.evaluate((el) => el === document.activeElement), "Tab reaches the room");
  await bob.shot("keyboard-focus-dark");
  await page.keyboard.press("Enter");
  await bob.composer.waitFor();
  await page.waitForFunction(() => document.activeElement?.id === "composer-text");
  await page.keyboard.type("sent without a mouse");
  await page.keyboard.press("Enter");
  await alice.seesOnce("sent without a mouse");
});

test("leaving a room takes it off the list", async () => {
  await bob.fromMenu("Leave room");
  await bob.page.getByRole("dialog").getByRole("button", { name: "Leave room" }).click();
  await bob.page.getByText("Rooms you join appear here.").waitFor();
});

test("the API's document is shown whole under its policy", async () => {
  const page = await browser.newPage();
  const answer = await page.goto(`${server.url}/docs/`);
  assert.doesNotMatch(answer.headers()["content-security-policy"], /unsafe|\*/);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (entry) => entry.type() === "error" && errors.push(entry.text()));
  const operation = page.locator(".opblock", { hasText: "/auth/login" });
  await operation.getByRole("button").first().click();
  await operation.getByText("Request body").waitFor();
  await page.getByRole("button", { name: "Authorize" }).first().click();
  await page.getByText("refreshCookie").first().waitFor();
  await page.screenshot({ path: join(SHOTS, "docs.png") });
  assert.deepEqual(errors, []);
  await page.close();
});

test("no page met an error on the way", () => {
  assert.deepEqual({ alice: alice.errors, bob: bob.errors }, { alice: [], bob: [] });
});
