// Somebody comes in by a link, files are dropped into the room, and notices come while nobody looks.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { png } from "./picture.mjs";
import { ChatServer, launchBrowser, Person } from "./support.mjs";

let server, browser, mona, nils, folder;

before(async () => {
  server = await ChatServer.start();
  server.settings = { PUBLIC_URL: server.url };
  await server.kill();
  await server.run();
  browser = await launchBrowser();
  folder = await mkdtemp(join(tmpdir(), "chat-e2e-files-"));
  mona = await Person.arrive(browser, server, "mona");
  await mona.register();
  nils = await Person.arrive(browser, server, "nils", { colorScheme: "dark" });
});

after(async () => {
  await browser?.close();
  await server?.dispose();
  if (folder) await rm(folder, { recursive: true });
});

/** A link into the room that is open. */
async function makesLink({ page }, uses) {
  await page.getByRole("button", { name: /^Members/ }).click();
  await page.getByRole("button", { name: "Invite people" }).click();
  await page.getByLabel("Lets in").selectOption(uses);
  await page.getByRole("button", { name: "Make a link" }).click();
  return page.locator(".callout .secret").textContent();
}

test("somebody without an account registers by a link, and is in the room", async () => {
  await mona.page.getByRole("button", { name: "New room" }).first().click();
  await mona.page.getByRole("textbox", { name: "Name", exact: true }).fill("Harbour");
  await mona.page.getByRole("switch").check({ force: true });
  await mona.page.getByRole("button", { name: "Create room" }).click();
  await mona.page.getByRole("heading", { name: "Harbour", level: 1 }).waitFor();
  const link = await makesLink(mona, "1 person");

  await nils.page.goto(link);
  await nils.page.getByText("You are invited to a room. It opens as soon as you are in.").waitFor();
  await nils.page.getByRole("link", { name: "Create an account" }).click();
  await nils.page.getByLabel("User name").fill(nils.name);
  await nils.page.getByLabel("E-mail address").fill(nils.email);
  await nils.page.getByLabel("Password").fill(nils.password);
  await nils.page.keyboard.press("Enter");
  await nils.page.getByRole("heading", { name: "You are invited to Harbour" }).waitFor();
  await nils.page.getByText("A private room with 1 member.").waitFor();
  await nils.passesAxe("an invitation");
  await nils.page.getByRole("button", { name: "Join the room" }).click();
  await nils.page.getByRole("heading", { name: "Harbour", level: 1 }).waitFor();
  await mona.page.keyboard.press("Escape");
  await nils.send("ahoy");
  await mona.seesOnce("ahoy");

  const otto = await Person.arrive(browser, server, "otto");
  await otto.register();
  const closed = otto.page.getByRole("heading", { name: "This invitation is not open any more" });
  await otto.page.goto(link);
  await closed.waitFor();
  await otto.looksRight("invitation-closed");
  const other = await makesLink(mona, "any number of people");
  await otto.page.goto(other);
  await otto.page.getByRole("heading", { name: "You are invited to Harbour" }).waitFor();
  await mona.page.getByRole("button", { name: /^Take back the invitation by link/ }).first().click();
  await mona.page.getByText("The invitation is taken back.").waitFor();
  await mona.page.keyboard.press("Escape");
  await otto.page.getByRole("button", { name: "Join the room" }).click();
  await otto.page.getByText("This does not exist any more.").waitFor();
  await otto.page.reload();
  await closed.waitFor();
  assert.deepEqual(otto.errors, []);
  await otto.context.close();
});

test("files are dropped into the room, tell how far they are, and show themselves before they are sent", async () => {
  const { page } = mona;
  const picture = join(folder, "boats.png");
  const text = join(folder, "tides.txt");
  await writeFile(picture, png(700, true));
  await writeFile(text, "high at nine");
  const cdp = await mona.context.newCDPSession(page);
  const room = await page.locator("section.room").boundingBox();
  const drag = (type, files) =>
    cdp.send("Input.dispatchDragEvent", { type, x: room.x + room.width / 2, y: room.y + room.height / 2, data: { items: [], files, dragOperationsMask: 1 } });
  await cdp.send("Network.enable");
  await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 700_000 });

  await drag("dragEnter", [picture, text]);
  await page.getByText("Drop files to send them to Harbour").waitFor();
  await mona.shot("drop-light");
  await drag("dragOver", [picture, text]);
  await drag("drop", [picture, text]);
  await page.getByText("Drop files to send them to Harbour").waitFor({ state: "detached" });
  await page.getByText(/^tides\.txt: This kind of file is not taken/).waitFor();
  await page.getByRole("progressbar", { name: "Uploading boats.png" }).waitFor();
  await page.waitForFunction(() => document.querySelector(".tray progress")?.value > 5 && document.querySelector(".tray progress").value < 95);
  await page.waitForFunction(() => document.querySelector("img.tray-preview")?.naturalWidth === 700);
  await mona.composer.fill("the harbour this morning");
  await mona.composer.press("Enter");
  assert.equal(await mona.bubbles("the harbour this morning").count(), 0, "it waits for its file");
  await mona.passesAxe("a file on its way");
  await page.getByText("ready").waitFor();
  await cdp.detach();
  await mona.composer.press("Enter");

  for (const person of [mona, nils]) {
    await person.sees("the harbour this morning");
    await person.page.waitForFunction(() => document.querySelector(".picture-box img")?.naturalWidth > 0);
  }
  await nils.passesAxe("a message with a picture");
});

test("notices come while the page is in the background, of the rooms one is in, and lead to what was said", async () => {
  const { context, page } = mona;
  await context.grantPermissions(["notifications"], { origin: server.url });
  // The browser's own notices, written down. No page of a headless browser is ever hidden, so this one says that it is.
  await context.addInitScript(() => {
    let away = false;
    Object.defineProperty(document, "hidden", { get: () => away });
    Object.defineProperty(document, "visibilityState", { get: () => (away ? "hidden" : "visible") });
    window.lookAway = (is) => {
      away = is;
      document.dispatchEvent(new Event("visibilitychange"));
    };
    window.notices = [];
    window.Notification = class extends Notification {
      constructor(title, options) {
        super(title, options);
        window.notices.push({ title, body: options.body, notice: this });
        this.addEventListener("show", () => (window.notices.find(({ notice }) => notice === this).shown = true));
      }
    };
  });
  await page.reload();
  const told = () => page.evaluate(() => window.notices.map(({ title, body }) => `${title}: ${body}`));
  await nils.makeRoom("Pier");
  await mona.joinRoom("Pier");
  await page.getByRole("link", { name: "mona: settings" }).click();
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Notifications" }).click();
  await page.getByText("Notices are off in this browser.").waitFor();
  await page.getByRole("button", { name: "Turn notices on" }).click();
  await page.getByText(/^Notices are on in this browser/).waitFor();
  await page.getByRole("link", { name: /^Harbour/ }).click();
  await mona.sees("ahoy");

  await nils.page.getByRole("link", { name: /^Harbour/ }).click();
  await nils.send("the ferry is in");
  await mona.sees("the ferry is in");
  await nils.page.getByRole("link", { name: /^Pier/ }).click();
  await nils.send("nobody here");
  await page.getByRole("link", { name: /^Pier/ }).getByText("1 unread message").waitFor();
  assert.deepEqual(await told(), [], "who looks need not be told");

  await page.evaluate(() => window.lookAway(true));
  await nils.send("still nobody here");
  await page.waitForFunction(() => window.notices.at(-1)?.shown);
  assert.deepEqual(await told(), ["Pier: nils: still nobody here"]);
  await nils.page.getByRole("link", { name: /^Harbour/ }).click();
  await nils.send("the ferry is gone");
  await page.waitForFunction(() => window.notices.length === 2 && window.notices[1].shown);
  assert.deepEqual((await told()).at(-1), "Harbour: nils: the ferry is gone");
  await page.getByRole("link", { name: /^Harbour/ }).getByText("1 unread message").waitFor();

  await page.evaluate(() => void window.notices[0].notice.dispatchEvent(new Event("click")));
  await mona.isLedTo("still nobody here");
  await page.evaluate(() => window.lookAway(false));
  await page.getByRole("link", { name: /^Pier/ }).getByText("unread").waitFor({ state: "detached" });
  await nils.send("and back again");
  await page.getByRole("link", { name: /^Harbour/ }).getByText("2 unread messages").waitFor();
  assert.equal((await told()).length, 2);
});

test("where only mentions are wanted, nothing else rings: not everybody may name the whole room", async () => {
  const { page } = mona;
  const told = () => page.evaluate(() => window.notices.map(({ title, body }) => `${title}: ${body}`));
  await mona.makeRoom("Quay");
  await nils.joinRoom("Quay");
  await mona.fromMenu("Notifications");
  await page.getByRole("radio", { name: "Mentions only" }).check();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: /^Harbour/ }).click();
  await page.evaluate(() => window.lookAway(true));
  const before = await told();
  const quay = page.getByRole("link", { name: /^Quay/ });
  await nils.send("@room is anybody there?");
  await quay.getByText("1 unread message").waitFor();
  await nils.send("@here @mo as well?");
  await quay.getByText("2 unread messages").waitFor();
  assert.equal(await quay.getByText("mention").count(), 0);
  await nils.send("@mona then");
  await quay.getByText("1 mention", { exact: true }).waitFor();
  await page.waitForFunction((so) => window.notices.length > so, before.length);
  assert.deepEqual(await told(), [...before, "Quay: nils: @mona then"]);
  await page.evaluate(() => window.lookAway(false));
});

test("no page met an error on the way", () => {
  assert.deepEqual({ mona: mona.errors, nils: nils.errors }, { mona: [], nils: [] });
});
