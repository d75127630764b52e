// Two people in a long room, and how they find again what was said: by words, links, days, pins and threads.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ChatServer, launchBrowser, NARROW, Person, WIDE } from "./support.mjs";

const BOOKS = 220;
const HERON = 40;
const heron = "The heron stands on one leg";
let server, browser, gwen, hugo, room;

before(async () => {
  server = await ChatServer.start();
  browser = await launchBrowser();
  gwen = await Person.arrive(browser, server, "gwen");
  await gwen.register();
  room = await gwen.makeRoom("Library");
  hugo = await Person.arrive(browser, server, "hugo", { permissions: ["clipboard-read", "clipboard-write"], colorScheme: "dark" });
  await hugo.register();
  await hugo.joinRoom("Library");
  const token = await gwen.apiToken();
  for (let n = 1; n <= BOOKS; n += 1) await server.post("/messages", token, { roomId: room, content: n === HERON ? heron : `book ${n}` });
  await hugo.sees(`book ${BOOKS}`);
  // What came live is all there; what a page loads is its end.
  for (const { page } of [gwen, hugo]) await page.reload();
  for (const person of [gwen, hugo]) await person.sees(`book ${BOOKS}`);
});

after(async () => {
  await browser?.close();
  await server?.dispose();
});

const list = ({ page }) => page.getByRole("region", { name: "Messages in Library" });
const shown = ({ page }) => page.locator(".room .message-text").allTextContents();

/** Scrolls as a wheel does, until it is there. */
async function scrollsTo(person, text, step) {
  await list(person).hover();
  for (let n = 0; n < 120 && (await person.bubbles(text).count()) === 0; n += 1) {
    await person.page.mouse.wheel(0, step);
    await person.page.waitForTimeout(40);
  }
  await person.seesOnce(text);
}

test("a word is found in a room by the keyboard alone, and its place opened", async () => {
  const { page } = hugo;
  assert.equal(await hugo.bubbles(heron).count(), 0, "it is not among what is loaded");
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog", { name: "Search" });
  await dialog.waitFor();
  assert.equal(await dialog.getByLabel("Words and filters").inputValue(), "in:Library ");
  await page.keyboard.type("HERON from:hugo");
  await page.keyboard.press("Enter");
  await dialog.getByText(/^Nothing is found for/).waitFor();
  for (let n = 0; n < "hugo".length; n += 1) await page.keyboard.press("Backspace");
  await page.keyboard.type("gwen");
  await page.keyboard.press("Enter");
  const hit = dialog.getByRole("list", { name: "Found" }).getByRole("link");
  await hit.waitFor();
  assert.match(await hit.textContent(), /Library.*gwen: book 39.*The heron stands.*gwen: book 41/);
  for (let n = 0; n < 6 && !(await hit.evaluate((el) => el === document.activeElement)); n += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await hugo.isLedTo(heron);
  await hugo.seesOnce("book 41");
});

test("the same hit leads there again, after one has scrolled away", async () => {
  const { page } = hugo;
  const place = page.url();
  await list(hugo).hover();
  await page.mouse.wheel(0, 3_000);
  await page.waitForFunction(() => document.querySelector(".message-target").getBoundingClientRect().bottom < 0);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("heron");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: /The heron stands/ }).click();
  await hugo.isLedTo(heron);
  assert.equal(page.url(), place);
});

test("a link to a message opens it in the middle of a long room, which is read on both ways", async () => {
  await hugo.bubbles(heron).hover();
  await hugo.fromMessage(heron, "Copy link");
  await hugo.page.getByText("The link is copied.").waitFor();
  const link = await hugo.page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /\/app\/#\/rooms\/[\w-]+\/messages\/[\w-]+$/);

  await gwen.page.goto("about:blank");
  await gwen.page.goto(link);
  await gwen.isLedTo(heron);
  assert.equal(await gwen.bubbles(`book ${BOOKS}`).count(), 0, "the end is not loaded");
  await scrollsTo(gwen, "book 1", -700);
  await gwen.page.getByText(/^This is the beginning of the room/).waitFor();
  await scrollsTo(gwen, `book ${BOOKS}`, 700);
  const books = Array.from({ length: BOOKS }, (_, n) => (n + 1 === HERON ? heron : `book ${n + 1}`));
  assert.deepEqual(await shown(gwen), books, "each once, in order");
  await hugo.send("who keeps all these?");
  await gwen.sees("who keeps all these?");
});

test("a day is jumped to: its first message, or what came next", async () => {
  const { page } = hugo;
  const day = (from, days) => {
    const date = new Date(from.getTime() + days * 86_400_000);
    return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
  };
  // Whoever writes is at the end, and a reload leaves him there.
  await page.reload();
  await hugo.sees("who keeps all these?");
  assert.equal(await hugo.bubbles("book 1").count(), 0, "the beginning is not loaded");
  await hugo.fromMenu("Jump to date");
  const dialog = page.getByRole("dialog", { name: "Jump to date" });
  await dialog.getByLabel("Day").fill(day(new Date(), -3));
  await hugo.looksRight("jump");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await hugo.isLedTo("book 1");
  await page.getByText(/^Nothing was written on .* This came next\.$/).waitFor();
  assert.equal(await hugo.bubbles("who keeps all these?").count(), 0, "the end is elsewhere");

  await page.getByRole("button", { name: "Jump to latest" }).click();
  await hugo.sees("who keeps all these?");
  await hugo.fromMenu("Jump to date");
  // When the first was written, by this device's calendar: the story may begin before midnight.
  const first = new Date((await (await fetch(`${server.url}/messages?roomId=${room}&after=0&limit=1`, { headers: { authorization: `Bearer ${await hugo.apiToken()}` } })).json()).messages[0].createdAt);
  await dialog.getByLabel("Day").fill(day(first, 0));
  await dialog.getByRole("button", { name: "Jump" }).click();
  await hugo.isLedTo("book 1");
  await page.getByRole("button", { name: "Jump to latest" }).click();
});

test("what is pinned is marked for everybody, listed, shown in its place and let go", async () => {
  // At the end again: what was all loaded is too much to be looked through.
  await gwen.page.getByRole("link", { name: /^Library/ }).click();
  await gwen.page.reload();
  await gwen.send("Opening hours: 9 to 5");
  await hugo.sees("Opening hours: 9 to 5");
  await gwen.fromMessage("Opening hours: 9 to 5", "Pin");
  await hugo.bubbles("Opening hours: 9 to 5").getByRole("img", { name: "Pinned" }).waitFor();
  await hugo.bubbles("Opening hours: 9 to 5").hover();
  await hugo.bubbles("Opening hours: 9 to 5").getByRole("button", { name: "More to do with this message" }).click();
  assert.equal(await hugo.page.getByRole("button", { name: "Unpin" }).count(), 0, "a member pins nothing");
  await hugo.page.keyboard.press("Escape");

  await hugo.fromMenu("Pinned messages");
  const dialog = hugo.page.getByRole("dialog", { name: "Pinned messages" });
  await dialog.getByText("Opening hours: 9 to 5").waitFor();
  await dialog.getByRole("button", { name: "Show" }).click();
  await hugo.isLedTo("Opening hours: 9 to 5");

  await gwen.fromMenu("Pinned messages");
  await gwen.page.getByRole("button", { name: "Unpin: Opening hours: 9 to 5" }).click();
  await gwen.page.getByText("Nothing is pinned. Pin a message by the menu beside it.").waitFor();
  await gwen.page.keyboard.press("Escape");
  await hugo.bubbles("Opening hours: 9 to 5").getByRole("img", { name: "Pinned" }).waitFor({ state: "detached" });
});

test("a thread has a summary at its root, and what is unread in it is one's own", async () => {
  const root = "Opening hours: 9 to 5";
  await hugo.fromMessage(root, "Open thread");
  const thread = hugo.page.getByRole("complementary", { name: "Thread" });
  const reply = thread.getByRole("textbox", { name: "Reply in the thread" });
  await thread.getByText("No replies yet").waitFor();
  await reply.fill("on Sundays too?");
  await reply.press("Enter");
  await thread.getByText("1 reply").waitFor();
  await thread.getByRole("region", { name: "Messages of the thread" }).getByText("on Sundays too?").waitFor();

  const summary = gwen.bubbles(root).getByRole("button", { name: /^1 reply/ });
  await summary.getByText("1 new").waitFor();
  assert.equal(await hugo.bubbles(root).locator(".thread-link .badge").count(), 0, "nobody is told of his own");
  await gwen.passesAxe("a room with a thread");
  await summary.click();
  const hers = gwen.page.getByRole("complementary", { name: "Thread" });
  await hers.getByText("on Sundays too?").waitFor();
  await gwen.bubbles(root).first().getByText("1 new").waitFor({ state: "detached" });
  await hers.getByRole("textbox", { name: "Reply in the thread" }).fill("only to herons");
  await gwen.page.keyboard.press("Enter");
  await thread.getByText("only to herons").waitFor();
  await thread.getByText("2 replies").waitFor();
  await gwen.passesAxe("an open thread");
  await gwen.page.keyboard.press("Escape");
  await hers.waitFor({ state: "detached" });

  await gwen.page.reload();
  await gwen.bubbles(root).getByRole("button", { name: /^2 replies/ }).waitFor();
  assert.equal(await gwen.bubbles(root).getByText(/new$/).count(), 0, "read on one device is read");
  await hugo.page.reload();
  await hugo.bubbles(root).getByRole("button", { name: /^2 replies/ }).waitFor();
  assert.equal(await hugo.bubbles(root).getByText(/new$/).count(), 0, "he saw it come");
});

test("on a phone a thread stands in the room's place, and a quote in it leads back into the room", async () => {
  const { page } = hugo;
  await gwen.bubbles("on Sundays too?").hover();
  await gwen.bubbles("on Sundays too?").getByRole("button", { name: "Reply" }).click();
  await gwen.send("and on Mondays");
  await hugo.sees("and on Mondays");
  await page.setViewportSize(NARROW);
  await hugo.bubbles("Opening hours: 9 to 5").getByRole("button", { name: /^3 replies/ }).click();
  const thread = page.getByRole("complementary", { name: "Thread" });
  await thread.getByText("and on Mondays").waitFor();
  assert.equal(await page.getByRole("heading", { name: "Library", level: 1 }).isVisible(), false);
  await hugo.fitsTheWidth();
  await hugo.shot("thread-phone");
  await thread.getByRole("link", { name: "Answers hugo: on Sundays too?" }).click();
  await hugo.isLedTo("on Sundays too?");
  await thread.waitFor({ state: "detached" });
  await page.setViewportSize(WIDE);
});

test("the time in which a message can be changed is shown, and over by the server's clock", async () => {
  const told = hugo.page.waitForResponse((answer) => new URL(answer.url()).pathname === "/rooms");
  await server.patch(`/rooms/${room}`, await gwen.apiToken(), { editWindowSeconds: 6 });
  await told;
  await hugo.send("teh last word");
  await hugo.bubbles("teh last word").getByRole("img", { name: /^(Sent|Delivered|Read)/ }).waitFor();
  const { page } = hugo;
  await hugo.bubbles("teh last word").hover();
  await hugo.bubbles("teh last word").getByRole("button", { name: "More to do with this message" }).click();
  assert.match(await page.getByRole("button", { name: "Edit message" }).textContent(), /[1-6] seconds? left/);
  await page.getByRole("button", { name: "Edit message" }).click();
  await page.getByText(/^Can be changed until .*, \d seconds? left/).waitFor();
  const edit = page.getByRole("textbox", { name: "Edit message" });
  await edit.fill("the last word");
  await page.getByText(/^The time in which this message could be changed is over\. Nothing was saved/).waitFor();
  await page.keyboard.press("Enter");
  assert.equal(await edit.inputValue(), "the last word", "it can still be copied");
  assert.equal(await page.getByRole("button", { name: "Save" }).count(), 0);
  await hugo.looksRight("edit-over");
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await gwen.seesOnce("teh last word");
  await hugo.bubbles("teh last word").hover();
  await hugo.bubbles("teh last word").getByRole("button", { name: "More to do with this message" }).click();
  await page.getByRole("button", { name: "Copy link" }).waitFor();
  for (const choice of ["Edit message", "Delete message"]) assert.equal(await page.getByRole("button", { name: choice }).count(), 0);
});

test("no page met an error on the way", () => {
  assert.deepEqual({ gwen: gwen.errors, hugo: hugo.errors }, { gwen: [], hugo: [] });
});
