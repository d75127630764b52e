// One person's account from its first mail to its last, on a server that wants confirmed addresses.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ChatServer, launchBrowser, NARROW, Person } from "./support.mjs";

let server, browser, carol;

before(async () => {
  server = await ChatServer.start({ CHAT_EMAIL_VERIFICATION: "required", CHAT_MAIL: "folder" });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.dispose();
});

test("who has not confirmed the address is told what that means", async () => {
  carol = await Person.arrive(browser, server, "carol");
  await carol.register();
  const banner = carol.page.getByRole("region", { name: "Confirm your e-mail address" });
  await banner.getByText("Until then you can join and read public rooms").waitFor();
  await carol.looksRight("unverified");
  await server.mailedLink(carol.email, "Confirm your e-mail address");
  await banner.getByRole("button", { name: "Mail the link again" }).click();
  await banner.getByText("Mailed.").waitFor();
});

test("the link in the mail confirms it, on another device too", async () => {
  const link = await server.mailedLink(carol.email, "Confirm your e-mail address");
  const phone = await Person.arrive(browser, server, "carol", { viewport: NARROW });
  await phone.page.goto(link);
  await phone.page.getByRole("heading", { name: "Your address is confirmed" }).waitFor();
  assert.equal(new URL(phone.page.url()).hash, "#/verify-email/");
  await phone.looksRight("verified");
  await phone.page.goto("about:blank");
  await phone.page.goto(link);
  await phone.page.getByRole("heading", { name: "This link does not work any more" }).waitFor();
  await phone.looksRight("link-used");
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
  await tablet.looksRight("forgot");
  await page.getByRole("button", { name: "Mail me a link" }).click();
  await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
  await tablet.looksRight("forgot-sent");

  await page.goto(await server.mailedLink(carol.email, "Choose a new password"));
  await page.getByLabel("New password").fill("password");
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.locator(".field-error").waitFor();
  await tablet.looksRight("reset-refused");
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

test("the settings are reached by the keyboard, and look right everywhere", async () => {
  const { page } = carol;
  const link = page.getByRole("link", { name: "carol: settings" });
  await page.getByRole("navigation", { name: "Your rooms" }).waitFor();
  for (let step = 0; step < 20 && !(await link.evaluate((el) => el === document.activeElement)); step += 1) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
  await page.getByRole("heading", { name: "Profile", level: 2 }).waitFor();
  await carol.looksRight("settings-profile");
  const nav = page.getByRole("navigation", { name: "Settings" });
  for (const [name, shot] of [["Signing in", "account"], ["Devices", "devices"], ["Blocked people", "privacy"], ["Your data", "data"]]) {
    await nav.getByRole("link", { name }).click();
    await page.getByRole("heading", { level: 2 }).first().waitFor();
    await page.locator(".settings-body .skeleton").first().waitFor({ state: "detached" });
    await carol.looksRight(`settings-${shot}`);
  }
});

test("another device is logged out from the list of them", async () => {
  const phone = await Person.arrive(browser, server, "carol", { viewport: NARROW });
  await phone.logIn(carol.email, carol.password);
  const { page } = carol;
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Devices" }).click();
  await page.getByText("this device").waitFor();
  await page.reload();
  await page.getByText("this device").waitFor();
  await page.getByRole("button", { name: /^Log out Chrome on Linux/ }).first().click();
  await page.getByText("Chrome on Linux is logged out.").waitFor();
  await phone.page.getByRole("heading", { name: "Log in" }).waitFor();
  await phone.context.close();
});

test("the password is changed, and the address by the consent of both", async () => {
  const { page } = carol;
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Signing in" }).click();
  const password = page.getByRole("region", { name: "Password" });
  await password.getByLabel("Present password").fill("not my password");
  await password.getByLabel("New password").fill("carol has a third password");
  await password.getByRole("button", { name: "Change password" }).click();
  await password.locator(".field-error").waitFor();
  await password.getByLabel("Present password").fill(carol.password);
  await password.getByRole("button", { name: "Change password" }).click();
  await password.getByText("Your password is changed.").waitFor();
  carol.password = "carol has a third password";

  const email = page.getByRole("region", { name: "E-mail address" });
  await email.getByLabel("New e-mail address").fill("carol@new.example.com");
  await email.getByLabel("Your password").fill(carol.password);
  await email.getByRole("button", { name: "Mail both links" }).click();
  await email.getByText("Two mails, one change").waitFor();
  await carol.looksRight("email-asked");
  const reader = await Person.arrive(browser, server, "carol");
  await reader.page.goto(await server.mailedLink("carol@new.example.com", "Confirm your new e-mail address"));
  await reader.page.getByRole("heading", { name: "One half is done" }).waitFor();
  await reader.looksRight("email-half");
  await reader.page.goto(await server.mailedLink(carol.email, "Confirm another e-mail address"));
  await reader.page.getByRole("heading", { name: "Your address is changed" }).waitFor();
  assert.deepEqual(reader.errors, []);
  await reader.context.close();
  carol.email = "carol@new.example.com";
  await page.reload();
  await page.getByText(carol.email).waitFor();
});

test("logging out everywhere leaves nobody in", async () => {
  const { page } = carol;
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Devices" }).click();
  await page.getByRole("button", { name: "Log out everywhere" }).click();
  await carol.passesAxe("the question before logging out everywhere");
  await page.getByRole("dialog").getByRole("button", { name: "Log out everywhere" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await carol.logIn();
});

test("no page met an error on the way", () => {
  assert.deepEqual(carol.errors, []);
});
