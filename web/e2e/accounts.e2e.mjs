// One person's account from its first mail to its last, on a server that wants confirmed addresses.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ChatServer, launchBrowser, Person } from "./support.mjs";

const WIDE = { width: 1200, height: 780 };
const NARROW = { width: 360, height: 740 };
let server, browser, carol;

before(async () => {
  server = await ChatServer.start({ CHAT_EMAIL_VERIFICATION: "required", CHAT_MAIL: "folder" });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.dispose();
});

/** Each page in every dress it has. */
async function looksRight(person, name) {
  for (const colorScheme of ["light", "dark"]) {
    await person.page.emulateMedia({ colorScheme });
    await person.shot(`${name}-${colorScheme}`);
    await person.passesAxe(`${name}, ${colorScheme}`);
  }
  await person.page.emulateMedia({ colorScheme: "light" });
  await person.page.setViewportSize(NARROW);
  await person.shot(`${name}-narrow`);
  await person.passesAxe(`${name}, narrow`);
  await person.fitsTheWidth();
  await person.page.setViewportSize(WIDE);
}

test("who has not confirmed the address is told what that means", async () => {
  carol = await Person.arrive(browser, server, "carol");
  await carol.register();
  const banner = carol.page.getByRole("region", { name: "Confirm your e-mail address" });
  await banner.getByText("Until then you can join and read public rooms").waitFor();
  await looksRight(carol, "unverified");
  await server.mailedLink(carol.email, "Confirm your e-mail address");
  await banner.getByRole("button", { name: "Mail the link again" }).click();
  await banner.getByText("Mailed.").waitFor();
});

test("the link in the mail confirms it, on another device too", async () => {
  const link = await server.mailedLink(carol.email, "Confirm your e-mail address");
  const phone = await Person.arrive(browser, server, "carol", { viewport: NARROW });
  await phone.page.goto(link);
  await phone.page.reload();
  await phone.page.getByRole("heading", { name: "Your address is confirmed" }).waitFor();
  assert.equal(new URL(phone.page.url()).hash, "#/verify-email/");
  await looksRight(phone, "verified");
  await phone.page.goto(link);
  await phone.page.reload();
  await phone.page.getByRole("heading", { name: "This link does not work any more" }).waitFor();
  await looksRight(phone, "link-used");
  assert.deepEqual(phone.errors, []);
  await phone.context.close();

  // Coming back to the page, where the mail was asked for.
  await carol.page.evaluate(() => window.dispatchEvent(new Event("online")));
  await carol.page.getByRole("region", { name: "Confirm your e-mail address" }).waitFor({ state: "detached" });
  await carol.page.getByRole("button", { name: "New room" }).first().click();
  await carol.page.getByRole("textbox", { name: "Name", exact: true }).fill("Workshop");
  await carol.page.getByRole("button", { name: "Create room" }).click();
  await carol.send("now I can write");
  await carol.seesOnce("now I can write");
});

test("a forgotten password is replaced by mail, and every login ends", async () => {
  const tablet = await Person.arrive(browser, server, "carol");
  const { page } = tablet;
  await page.getByLabel("E-mail address").fill(carol.email);
  await page.getByRole("link", { name: "Forgot Password?" }).click();
  await page.getByRole("button", { name: "Mail me a link" }).waitFor();
  assert.equal(await page.getByLabel("E-mail address").inputValue(), carol.email);
  await looksRight(tablet, "forgot");
  await page.getByRole("button", { name: "Mail me a link" }).click();
  await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
  await looksRight(tablet, "forgot-sent");

  await page.goto(await server.mailedLink(carol.email, "Choose a new password"));
  await page.getByLabel("New password").fill("password");
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.locator(".field-error").waitFor();
  await looksRight(tablet, "reset-refused");
  carol.password = "carol has another password";
  await page.getByLabel("New password").fill(carol.password);
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByRole("heading", { name: "Your password is changed" }).waitFor();

  // The login from before is over, without a click.
  await carol.page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.getByRole("link", { name: "Log in" }).click();
  await tablet.logIn(carol.email, carol.password);
  assert.deepEqual(tablet.errors, []);
  await tablet.context.close();
  await carol.logIn(carol.email, carol.password);
});

test("no page met an error on the way", () => {
  assert.deepEqual(carol.errors, []);
});
