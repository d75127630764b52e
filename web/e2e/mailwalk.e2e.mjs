// One account from its first mail to its last login, as its owner meets it: a real mail server beside a server that wants
// confirmed addresses, and three devices, each a browser of its own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { MailCatcher } from "./mailcatcher.mjs";
import { ChatServer, launchBrowser, NARROW, Person } from "./support.mjs";
import { codeOf } from "./totp.mjs";

const FROM = "chat@example.com";
const LINK = /http:\/\/127\.0\.0\.1:\d+\/app\/#\/[\w-]+\/[\w-]+/g;

let mail, server, browser, laptop, phone, secret, recoveryCodes;

before(async () => {
  mail = await MailCatcher.start();
  server = await ChatServer.start({
    CHAT_EMAIL_VERIFICATION: "required",
    CHAT_SMTP_URL: mail.url,
    CHAT_MAIL_FROM: `Chat <${FROM}>`,
  });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.dispose();
  await mail?.dispose();
});

/** A browser of its own, which notes how the page's sockets end, and leaves it to the server to end them. */
async function device(options) {
  const person = await Person.arrive(browser, server, "grace", options);
  await person.context.addInitScript(() => {
    const Own = window.WebSocket;
    window.closes = [];
    window.WebSocket = class extends Own {
      constructor(...given) {
        super(...given);
        this.addEventListener("close", ({ code }) => window.closes.push(code));
      }
      close() {}
    };
  });
  await person.page.reload();
  return person;
}

/** The one link of a letter, the same in its text and in its page. */
async function mailedLink(to, subject) {
  const letter = await mail.letter(to, subject);
  assert.deepEqual(letter.envelope, { from: FROM, to: [to] });
  assert.equal(letter.from.address, FROM);
  assert.match(letter.messageId, /@/);
  const links = [letter.text, letter.html].map((part) => [...new Set(part.match(LINK))]);
  assert.equal(links[0].length, 1, letter.text);
  assert.deepEqual(links[1], links[0]);
  return links[0][0];
}

const isIn = ({ page }) => page.getByRole("navigation", { name: "Your rooms" }).waitFor();
const isOut = ({ page }) => page.getByRole("heading", { name: "Log in" }).waitFor();

async function settings({ page }, section) {
  await page.getByRole("link", { name: /: settings$/ }).click();
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: section }).click();
}

async function logOut(person) {
  await person.page.getByRole("button", { name: "Log out", exact: true }).click();
  await isOut(person);
}

async function logInWithCode(person, code) {
  const { page } = person;
  await page.getByLabel("E-mail address").fill(person.email);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Enter your code" }).waitFor();
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Log in" }).click();
  await isIn(person);
  await person.isConnected();
}

/** What the page could refresh with, as somebody would have it who copied it. */
async function refreshCookie({ context }) {
  const cookie = (await context.cookies()).find(({ name }) => name === "chat_refresh");
  assert.ok(cookie, "the page has a cookie to refresh with");
  return `chat_refresh=${cookie.value}`;
}

async function refreshes(cookie) {
  const headers = { "content-type": "application/json", cookie, origin: server.url, "x-requested-with": "chat" };
  return (await fetch(`${server.url}/auth/refresh`, { method: "POST", headers, body: "{}" })).status;
}

test("who registers gets a mail, and the link in it confirms the address", async () => {
  laptop = await device();
  await laptop.register();
  const banner = laptop.page.getByRole("region", { name: "Confirm your e-mail address" });
  await banner.waitFor();
  await laptop.page.goto(await mailedLink(laptop.email, "Confirm your e-mail address"));
  await laptop.page.getByRole("heading", { name: "Your address is confirmed" }).waitFor();
  await laptop.page.getByRole("link", { name: "Go to your rooms" }).click();
  await isIn(laptop);
  assert.equal(await banner.count(), 0);
});

test("after the confirmation one logs in, and turns on a second factor", async () => {
  const { page } = laptop;
  await logOut(laptop);
  await laptop.logIn();
  await settings(laptop, "Signing in");
  const section = page.getByRole("region", { name: "Second factor" });
  await section.getByRole("button", { name: "Set up" }).click();
  await section.getByLabel("Your password").fill(laptop.password);
  await section.getByRole("button", { name: "Continue" }).click();
  secret = await section.locator(".secret").textContent();
  await section.getByRole("textbox", { name: "Code" }).fill(codeOf(secret));
  await section.getByRole("button", { name: "Turn on" }).click();
  await section.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  recoveryCodes = await section.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
  await section.getByRole("checkbox").check();
  await section.getByRole("button", { name: "Done" }).click();
  await section.getByText("on", { exact: true }).waitFor();
  await mail.letter(laptop.email, "A second factor was switched on");
});

test("from then on the password alone lets nobody in", async () => {
  await logOut(laptop);
  // The code of this half minute was used to turn it on, and is good once.
  await logInWithCode(laptop, codeOf(secret, 1));
  phone = await device({ viewport: NARROW });
  await logInWithCode(phone, recoveryCodes.shift());
});

test("a new password by mail puts the other devices out, and leaves the second factor on", async () => {
  const stolen = [await refreshCookie(laptop), await refreshCookie(phone)];
  const tablet = await device();
  const { page } = tablet;
  await page.getByRole("link", { name: "Forgot Password?" }).click();
  await page.getByLabel("E-mail address").fill(tablet.email);
  await page.getByRole("button", { name: "Mail me a link" }).click();
  await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
  await page.goto(await mailedLink(tablet.email, "Choose a new password"));
  const password = "grace has another password";
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByRole("heading", { name: "Your password is changed" }).waitFor();

  // Without a click.
  await Promise.all([laptop, phone].map(isOut));
  for (const cookie of stolen) assert.equal(await refreshes(cookie), 401);
  await mail.letter(tablet.email, "Your password was changed");

  for (const person of [laptop, phone]) {
    person.password = password;
    await logInWithCode(person, recoveryCodes.shift());
  }
  assert.deepEqual(tablet.errors, []);
  await tablet.context.close();
});

test("logging out everywhere closes every socket, and refuses every refresh", async () => {
  const stolen = [await refreshCookie(laptop), await refreshCookie(phone)];
  await phone.page.evaluate(() => (window.closes = []));
  await settings(laptop, "Devices");
  await laptop.page.getByRole("button", { name: "Log out everywhere" }).click();
  await laptop.page.getByRole("dialog").getByRole("button", { name: "Log out everywhere" }).click();
  await Promise.all([laptop, phone].map(isOut));
  const ends = await phone.page.waitForFunction(() => window.closes.length > 0 && window.closes);
  assert.deepEqual(await ends.jsonValue(), [4303]);
  for (const cookie of stolen) assert.equal(await refreshes(cookie), 401);
  for (const person of [laptop, phone]) {
    await person.page.reload();
    await isOut(person);
  }
});

test("no mail came that nobody asked for, and no page met an error", () => {
  assert.deepEqual(mail.unread, []);
  assert.deepEqual([...laptop.errors, ...phone.errors], []);
});
