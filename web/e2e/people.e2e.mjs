// Two people and what there is beside plain conversations: a second factor, files, roles, invitations, profiles,
// reactions and replies.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { png } from "./picture.mjs";
import { ChatServer, launchBrowser, Person } from "./support.mjs";
import { codeOf } from "./totp.mjs";

let server, browser, erin, finn;

before(async () => {
  server = await ChatServer.start();
  server.settings = { PUBLIC_URL: server.url };
  await server.kill();
  await server.run();
  browser = await launchBrowser();
  erin = await Person.arrive(browser, server, "erin");
  await erin.register();
  finn = await Person.arrive(browser, server, "finn", { colorScheme: "dark" });
  await finn.register();
});

after(async () => {
  await browser?.close();
  await server?.dispose();
});

const settings = async ({ page }, section) => {
  await page.getByRole("link", { name: /: settings$/ }).click();
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: section }).click();
};

test("a second factor is turned on, asked for, and turned off", async () => {
  const { page } = erin;
  await settings(erin, "Signing in");
  const section = page.getByRole("region", { name: "Second factor" });
  await section.getByRole("button", { name: "Set up" }).click();
  await section.getByLabel("Your password").fill(erin.password);
  await section.getByRole("button", { name: "Continue" }).click();
  const secret = await section.locator(".secret").textContent();
  await section.getByRole("textbox", { name: "Code" }).fill(codeOf(secret));
  await section.getByRole("button", { name: "Turn on" }).click();
  await section.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  const codes = await section.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
  assert.equal(new Set(codes).size, 10);
  await section.getByRole("checkbox").check();
  await section.getByRole("button", { name: "Done" }).click();
  await section.getByText("on", { exact: true }).waitFor();

  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.getByLabel("E-mail address").fill(erin.email);
  await page.getByLabel("Password").fill(erin.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Enter your code" }).waitFor();
  await erin.looksRight("login-code");
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText(/^This code is wrong/).waitFor();
  await page.getByLabel("Code").fill(codes[0]);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Your rooms" }).waitFor();

  await settings(erin, "Signing in");
  await section.getByRole("button", { name: "Turn off" }).click();
  await section.getByLabel("Your password").fill(erin.password);
  await section.getByLabel("Code").fill(codes[1]);
  await section.getByRole("button", { name: "Turn the second factor off" }).click();
  await section.getByText("The second factor is off.").waitFor();
});

test("people are found and blocked, and a profile is seen by others", async () => {
  const { page } = erin;
  await settings(erin, "Profile");
  await page.getByLabel("Display name").fill("Erin Example");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByRole("link", { name: "erin: settings" }).getByText("Erin Example").waitFor();
  await settings(erin, "Blocked people");
  await page.getByLabel("Block somebody").fill("fin");
  await page.getByRole("button", { name: "Block finn" }).click();
  await page.getByText("finn is blocked.").waitFor();
  await page.getByRole("button", { name: "Unblock finn" }).click();
  await page.getByText("You have blocked nobody.").waitFor();
});

test("a picture of oneself is set and removed", async () => {
  const { page } = erin;
  await settings(erin, "Profile");
  await page.locator(".picture input[type=file]").setInputFiles([{ name: "me.png", mimeType: "image/png", buffer: png(300) }]);
  await page.getByText("Your picture is set.").waitFor();
  await page.waitForFunction(() => document.querySelector(".picture img")?.naturalWidth > 0);
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText("Your picture is removed.").waitFor();
});

test("a private room: roles, a link, a ban and the archive", async () => {
  const { page } = erin;
  await page.getByRole("button", { name: "New room" }).first().click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Cellar");
  await page.getByRole("switch").check({ force: true });
  await page.getByRole("button", { name: "Create room" }).click();
  await page.getByRole("heading", { name: "Cellar", level: 1 }).waitFor();
  await page.getByRole("button", { name: /^Members/ }).click();
  await page.getByRole("button", { name: "Invite people" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = await page.locator(".callout .secret").textContent();
  await page.keyboard.press("Escape");

  await finn.page.goto(link);
  await finn.page.getByRole("button", { name: "Join the room" }).click();
  await finn.page.getByRole("heading", { name: "Cellar", level: 1 }).waitFor();
  await finn.send("it is dark in here");
  await erin.sees("it is dark in here");

  await page.getByRole("button", { name: /^Members/ }).click();
  await page.getByRole("button", { name: "What to do with finn" }).click();
  await page.getByRole("button", { name: "Make administrator" }).click();
  await page.getByText("finn is an administrator now.").waitFor();
  await finn.page.getByRole("button", { name: "More about this room" }).click();
  await finn.page.getByRole("button", { name: "Room settings" }).waitFor();
  await finn.page.keyboard.press("Escape");
  await page.getByRole("button", { name: "What to do with finn" }).click();
  await page.getByRole("button", { name: "Ban", exact: true }).click();
  await page.getByRole("button", { name: "Ban", exact: true }).click();
  await page.getByText("finn is banned.").waitFor();
  await finn.page.getByRole("link", { name: /Cellar/ }).waitFor({ state: "detached" });
  await page.keyboard.press("Escape");

  await erin.fromMenu("Room settings");
  await page.getByRole("button", { name: "Archive the room" }).click();
  await page.getByText(/^This room is archived since/).waitFor();
});

test("a file goes with a message, and comes out whole", async () => {
  const { page } = erin;
  await page.getByRole("button", { name: "New room" }).first().click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Gallery");
  await page.getByRole("button", { name: "Create room" }).click();
  await erin.composer.waitFor();
  const input = page.locator(".composer input[type=file]");
  await input.setInputFiles([
    { name: "grey.png", mimeType: "image/png", buffer: png() },
    { name: "page.png", mimeType: "image/png", buffer: Buffer.from("<html><script>alert(1)</script>") },
  ]);
  await page.getByText(/^What is in it is no JPEG/).waitFor();
  await page.getByRole("button", { name: "Remove page.png" }).click();
  await page.getByText("ready").waitFor();
  await page.getByRole("button", { name: "Send message" }).click();
  await page.waitForFunction(() => document.querySelector(".picture-box img")?.naturalWidth > 0);
  await page.getByRole("img", { name: /^(Sent|Delivered|Read)/ }).waitFor();
  await page.reload();
  await page.waitForFunction(() => document.querySelector(".picture-box img")?.naturalWidth > 0);
  await page.getByRole("button", { name: "Open picture grey.png" }).click();
  const saved = page.waitForEvent("download");
  await page.getByRole("dialog").getByRole("button", { name: "Download" }).click();
  assert.equal((await saved).suggestedFilename(), "grey.png");
  await page.keyboard.press("Escape");
});

test("a direct conversation is opened from both sides, and is one", async () => {
  for (const [who, other] of [[erin, "finn"], [finn, "erin"]]) {
    await who.page.goto(`${who.url}#/rooms`);
    await who.page.getByRole("button", { name: "New conversation" }).click();
    await who.page.getByLabel("With whom?").fill(other.slice(0, 3));
    await who.page.getByRole("button", { name: `Choose ${other}` }).click();
    await who.page.getByRole("button", { name: "Start" }).click();
    await who.composer.waitFor();
  }
  assert.equal(new URL(erin.page.url()).hash, new URL(finn.page.url()).hash);
  await erin.send("just the two of us");
  await finn.seesOnce("just the two of us");
  await finn.page.getByRole("heading", { name: "Erin Example", level: 2 }).waitFor();
  await finn.page.getByText(/^This is the beginning of the conversation, made on/).waitFor();
});

test("they react to messages and answer them, and see it live", async () => {
  await erin.page.bringToFront();
  const bubble = erin.bubbles("just the two of us");
  await bubble.hover();
  await bubble.getByRole("button", { name: "React" }).click();
  await erin.page.keyboard.press("ArrowRight");
  await erin.page.keyboard.press("Enter");
  await finn.page.getByRole("button", { name: "heart, 1: Erin Example" }).click();
  await erin.page.getByRole("button", { name: /^heart, 2: / }).waitFor();
  assert.equal(await erin.page.getByRole("button", { name: /^heart, 2: / }).getAttribute("aria-pressed"), "true");
  await finn.page.reload();
  await finn.page.getByRole("button", { name: /^heart, 2: / }).click();
  await erin.page.getByRole("button", { name: "heart, 1: you" }).waitFor();

  await finn.bubbles("just the two of us").hover();
  await finn.bubbles("just the two of us").getByRole("button", { name: "Reply" }).click();
  await finn.send("and nobody else");
  const quote = erin.page.getByRole("link", { name: "Answers Erin Example: just the two of us" });
  await quote.click();
  await erin.page.locator(".message-target").getByText("just the two of us").first().waitFor();
  assert.match(new URL(erin.page.url()).hash, /^#\/rooms\/[\w-]+\/messages\/[\w-]+$/);
  const link = erin.page.url();
  await erin.page.goto(`${erin.url}#/rooms`);
  await erin.page.goto(link);
  await erin.page.locator(".message-target").getByText("just the two of us").first().waitFor();
  for (const person of [erin, finn]) await person.passesAxe("reactions and replies");
});

test("a room is changed, somebody is invited by name, and each has it as he wants it", async () => {
  const { page } = erin;
  await page.getByRole("button", { name: "New room" }).first().click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Kitchn");
  await page.getByRole("button", { name: "Create room" }).click();
  await page.getByRole("heading", { name: "Kitchn", level: 1 }).waitFor();
  await erin.fromMenu("Room settings");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Kitchen");
  await page.getByRole("textbox", { name: "Topic" }).fill("soup");
  await page.getByLabel("Own messages can be changed for").selectOption("1 hour");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Kitchen", level: 1 }).waitFor();
  await page.getByText("soup").waitFor();
  await page.getByRole("button", { name: /^Members/ }).click();
  await page.getByRole("button", { name: "Invite people" }).click();
  await page.getByLabel("Invite by user name").fill("fin");
  await page.getByRole("button", { name: "Invite finn" }).click();
  await page.getByText("finn is invited.").waitFor();
  await page.keyboard.press("Escape");

  await finn.page.getByRole("button", { name: "Join Kitchen" }).click();
  await finn.page.getByRole("heading", { name: "Kitchen", level: 1 }).waitFor();
  await finn.send("is it hot?");
  await erin.sees("is it hot?");
  await finn.bubbles("is it hot?").hover();
  await finn.bubbles("is it hot?").getByRole("button", { name: "More to do with this message" }).click();
  assert.match(await finn.page.getByRole("button", { name: "Edit message" }).textContent(), /59 minutes left/);
  await finn.page.keyboard.press("Escape");
  // Who looks after the room may take away what anybody wrote.
  await erin.fromMessage("is it hot?", "Delete message");
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await finn.sees("message deleted by Erin Example");

  await finn.fromMenu("Notifications");
  const dialog = finn.page.getByRole("dialog", { name: "Notifications" });
  await dialog.getByRole("radio", { name: "Mentions only" }).check();
  await dialog.getByRole("switch").check({ force: true });
  await dialog.getByRole("button", { name: "Mute for 1 hour" }).click();
  await dialog.getByText(/^Muted until/).waitFor();
  await finn.page.keyboard.press("Escape");
  await finn.page.reload();
  const rooms = finn.page.getByRole("navigation", { name: "Your rooms" }).getByRole("link");
  await rooms.first().getByRole("img", { name: "favourite" }).waitFor();
  await rooms.first().getByRole("img", { name: "muted" }).waitFor();
  assert.match(await rooms.first().textContent(), /Kitchen/);
});

test("one's data is taken, and the account closed", async () => {
  const { page } = finn;
  await settings(finn, "Your data");
  await page.getByRole("button", { name: "Make a copy" }).click();
  const ready = page.getByRole("button", { name: "Download" });
  await ready.waitFor({ timeout: 30_000 });
  const saved = page.waitForEvent("download");
  await ready.click();
  assert.match((await saved).suggestedFilename(), /^chat-\d{4}-\d\d-\d\d\.jsonl$/);
  await page.getByRole("button", { name: "Delete my account" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Your password").fill("not it");
  await dialog.getByRole("button", { name: "Delete my account" }).click();
  await dialog.locator(".field-error").waitFor();
  await dialog.getByLabel("Your password").fill(finn.password);
  await dialog.getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("heading", { name: "Your account is closed" }).waitFor();
  await finn.looksRight("account-closed");
});

test("no page met an error on the way", () => {
  assert.deepEqual({ erin: erin.errors, finn: finn.errors }, { erin: [], finn: [] });
});
