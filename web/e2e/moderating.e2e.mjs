// A room in which people have to be looked after: its owner, two members, and somebody who looks after the server and is
// in no room at all.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ChatServer, launchBrowser, Person } from "./support.mjs";

let server, browser, iris, jack, kate, liam, room;

before(async () => {
  server = await ChatServer.start();
  browser = await launchBrowser();
  // On SQLite the first account administers the server.
  iris = await Person.arrive(browser, server, "iris");
  await iris.register();
  for (const name of ["jack", "kate", "liam"]) {
    const person = await Person.arrive(browser, server, name);
    await person.register();
    if (name === "jack") [jack, room] = [person, await person.makeRoom("Market")];
    else await person.joinRoom("Market");
    if (name === "kate") kate = person;
    if (name === "liam") liam = person;
  }
});

after(async () => {
  await browser?.close();
  await server?.dispose();
});

async function reports(person, text, reason) {
  await person.sees(text);
  await person.fromMessage(text, "Report");
  const dialog = person.page.getByRole("dialog", { name: "Report this message" });
  await dialog.getByLabel("What is wrong with it?").fill(reason);
  await person.page.keyboard.press("Enter");
  await person.page.getByText(/^It is reported\./).waitFor();
  await dialog.waitFor({ state: "detached" });
}

/** The card of a report, by what was said. */
const card = (within, text) => within.locator(".report", { hasText: text });

test("what a member reports, who looks after the room sees, and deletes for a reason that all can read", async () => {
  await kate.send("cheap watches, cheap watches");
  await reports(liam, "cheap watches, cheap watches", "it is the third time");
  await jack.fromMenu("Reported messages");
  const dialog = jack.page.getByRole("dialog", { name: "Reported messages" });
  const watches = card(dialog, "cheap watches");
  await watches.getByText("it is the third time").waitFor();
  await watches.getByText(/^liam, /).waitFor();
  await watches.getByRole("link", { name: "Show in the room" }).waitFor();
  await watches.getByRole("button", { name: "Delete message" }).click();
  await jack.page.keyboard.type("no selling here");
  await jack.looksRight("report-delete");
  await jack.page.keyboard.press("Enter");
  await dialog.getByText("Nobody has reported anything that is still open.").waitFor();
  await jack.page.keyboard.press("Escape");
  for (const person of [jack, kate, liam]) {
    await person.sees("message deleted by jack: no selling here");
    assert.equal(await person.bubbles("cheap watches, cheap watches").count(), 0);
  }
});

test("what the owner himself wrote comes to those who look after the server, wherever it is", async () => {
  await jack.send("buy my melons");
  await reports(liam, "buy my melons", "he forbids others to sell");
  await kate.send("who wants to swap seeds?");
  await reports(liam, "who wants to swap seeds?", "not sure about this");
  await jack.fromMenu("Reported messages");
  const queue = jack.page.getByRole("dialog", { name: "Reported messages" });
  await card(queue, "swap seeds").waitFor();
  assert.equal(await card(queue, "melons").count(), 0, "nobody judges his own words");
  await jack.page.keyboard.press("Escape");

  const { page } = iris;
  await page.getByRole("link", { name: "Reported messages" }).click();
  await page.getByRole("heading", { name: "Reported messages", level: 1 }).waitFor();
  const melons = card(page, "buy my melons");
  await melons.getByText(/^Market ·/).waitFor();
  await melons.locator("strong", { hasText: "jack" }).waitFor();
  await melons.getByText(/^liam, /).waitFor();
  await iris.looksRight("reports-open");
  await card(page, "swap seeds").getByRole("button", { name: "Let it stand" }).click();
  await page.getByText("The report is closed.").waitFor();
  await melons.getByRole("button", { name: "Delete message" }).click();
  await page.getByLabel("Reason").fill("the same rule for everybody");
  await page.keyboard.press("Enter");
  await page.getByText("Nobody has reported anything that is still open.").waitFor();
  for (const person of [jack, kate, liam]) await person.sees("message deleted by iris: the same rule for everybody");
  await kate.seesOnce("who wants to swap seeds?");

  await page.getByRole("navigation", { name: "Reports" }).getByRole("link", { name: "Resolved" }).click();
  await card(page, "he forbids others to sell").getByText(/^Deleted by iris, .*: the same rule for everybody$/).waitFor();
  await card(page, "not sure about this").getByText(/^Let stand by iris, /).waitFor();
  await card(page, "it is the third time").getByText(/^Deleted by jack, .*: no selling here$/).waitFor();
  await iris.looksRight("reports-resolved");
});

test("nobody else is led to the reports of the server, or reads them", async () => {
  assert.equal(await kate.page.getByRole("link", { name: "Reported messages" }).count(), 0);
  await kate.page.goto(`${kate.url}#/reports/open`);
  await kate.page.getByText("You are not allowed to do this.").waitFor();
  await kate.passesAxe("reports that one may not read");
  await kate.page.goto(`${kate.url}#/rooms/${room}`);
  await kate.composer.waitFor();
});

test("who is muted sees why and until when, is offered nothing that would be refused, and keeps what is written", async () => {
  const { page } = jack;
  await kate.send("I sell my seeds");
  await kate.sees("I sell my seeds");
  await kate.composer.fill("but my seeds");
  await page.getByRole("button", { name: /^Members/ }).click();
  await page.getByRole("button", { name: "What to do with kate" }).click();
  await page.getByRole("button", { name: "Mute for an hour" }).click();
  const asked = page.getByRole("group", { name: "Mute for an hour" });
  await asked.getByLabel("Reason").fill("no selling here");
  await jack.looksRight("mute");
  await asked.getByRole("button", { name: "Mute for an hour" }).click();
  await page.getByText("kate may only read for an hour.").waitFor();

  await kate.page.getByText(/^You are muted until .*: you can read, and write again then\. The reason: no selling here$/).waitFor();
  assert.equal(await kate.page.getByRole("button", { name: "Send message" }).isDisabled(), true);
  await kate.composer.press("Enter");
  await liam.send("quiet now");
  await kate.sees("quiet now");
  assert.equal(await kate.bubbles("but my seeds").count(), 0);
  assert.equal(await kate.composer.inputValue(), "but my seeds");
  const offered = async ({ page }, bubble) => {
    await bubble.hover();
    return page.getByRole("button", { name: /^(React|Reply|Attach files)$/ }).count();
  };
  assert.equal(await offered(liam, liam.bubbles("I sell my seeds")), 3);
  assert.equal(await offered(kate, kate.bubbles("quiet now")), 0);
  await kate.bubbles("I sell my seeds").hover();
  await kate.bubbles("I sell my seeds").getByRole("button", { name: "More to do with this message" }).click();
  const menu = kate.page.getByRole("dialog", { name: "More to do with this message" });
  await menu.getByRole("button", { name: /^Delete message/ }).waitFor();
  assert.equal(await menu.getByRole("button", { name: /^Edit message/ }).count(), 0);
  await kate.page.keyboard.press("Escape");
  await kate.looksRight("muted");
  await page.keyboard.press("Escape");
});

test("a mute is known to a page that comes later, with its reason, and is lifted", async () => {
  const { page } = jack;
  for (const person of [jack, kate, liam]) await person.page.reload();
  await kate.page.getByText(/^You are muted until .* The reason: no selling here$/).waitFor();
  const why = async (person) => {
    await person.page.getByRole("button", { name: /^Members/ }).click();
    const row = person.page.getByRole("dialog").getByRole("listitem").filter({ hasText: "kate" });
    await row.waitFor();
    return row.getByText("The reason: no selling here");
  };
  await (await why(kate)).waitFor();
  await kate.page.keyboard.press("Escape");
  assert.equal(await (await why(liam)).count(), 0, "it is nothing to him");
  await liam.page.keyboard.press("Escape");
  await (await why(jack)).waitFor();
  await jack.looksRight("muted-member");
  await page.getByRole("button", { name: "What to do with kate" }).click();
  await page.getByRole("button", { name: "Let write again" }).click();
  await page.getByText("kate may write again.").waitFor();
  await page.keyboard.press("Escape");
  await kate.page.getByText(/^You are muted until/).waitFor({ state: "detached" });
  await kate.send("but my seeds");
  await jack.seesOnce("but my seeds");
});

test("a mute ends by itself, where one looks", async () => {
  const { id } = await server.get("/users/me", await kate.apiToken());
  // Shorter than the list of members offers, lest the story wait as long.
  const until = new Date(Date.now() + 3_000).toISOString();
  await server.put(`/rooms/${room}/members/${id}/mute`, await jack.apiToken(), { until });
  await kate.page.getByText(/^You are muted until/).waitFor();
  await kate.page.getByText(/^You are muted until/).waitFor({ state: "detached" });
  await kate.send("free again");
  await jack.seesOnce("free again");
});

test("in slow mode members are told how long to wait, where they write; the owner need not", async () => {
  await jack.fromMenu("Room settings");
  await jack.page.getByLabel("Slow mode").selectOption("10 seconds");
  await jack.page.getByRole("button", { name: "Save" }).click();
  await jack.page.getByRole("dialog").waitFor({ state: "detached" });
  await liam.page.getByText(/^Slow mode: (one message every 10 seconds|you can send again in \d+ seconds?\.)$/).waitFor();
  // Shorter than the dialog offers, lest the story wait as long.
  await server.patch(`/rooms/${room}`, await jack.apiToken(), { slowModeSeconds: 4 });
  await liam.page.getByText("Slow mode: one message every 4 seconds").waitFor();
  await liam.send("one");
  await liam.page.getByText(/^Slow mode: you can send again in \d+ seconds?\.$/).waitFor();
  assert.equal(await liam.page.getByRole("button", { name: "Send message" }).isDisabled(), true);
  await liam.composer.fill("two");
  await liam.composer.press("Enter");
  await jack.send("for me");
  await jack.send("there is no wait");
  for (const person of [kate, liam]) for (const text of ["one", "for me", "there is no wait"]) await person.sees(text);
  assert.equal(await jack.page.getByText(/^Slow mode/).count(), 0);
  assert.equal(await jack.bubbles("two").count(), 0, "it waits where it was written");
  await liam.page.getByText("Slow mode: one message every 4 seconds").waitFor();
  await liam.composer.press("Enter");
  await jack.seesOnce("two");
});

test("who left is still named beside what he wrote, and among those who reacted", async () => {
  await jack.sees("two");
  await liam.bubbles("for me").hover();
  await liam.bubbles("for me").getByRole("button", { name: "React" }).click();
  await liam.page.getByRole("button", { name: "party" }).click();
  await jack.bubbles("for me").getByRole("button", { name: "party, 1: liam" }).click();
  await liam.fromMenu("Leave room");
  await liam.page.getByRole("dialog").getByRole("button", { name: "Leave room" }).click();
  await liam.page.getByText("Rooms you join appear here.").waitFor();
  await kate.page.reload();
  await kate.sees("two");
  await kate.page.locator(".message-author", { hasText: /^liam$/ }).last().waitFor();
  const party = kate.bubbles("for me").getByRole("button", { name: /^party, 2/ });
  await party.hover();
  await kate.page.locator(".tip", { hasText: /^liam and jack$/ }).waitFor();
  await kate.shot("reactors");
  await kate.composer.hover();
  await kate.page.locator(".tip").waitFor({ state: "detached" });
  await party.focus();
  await kate.page.keyboard.press("Shift+Tab");
  await kate.page.keyboard.press("Tab");
  await kate.page.locator(".tip", { hasText: /^liam and jack$/ }).waitFor();
  await kate.passesAxe("those who reacted");
  await kate.page.keyboard.press("Escape");
  await kate.page.locator(".tip").waitFor({ state: "detached" });
  assert.equal(await kate.page.getByText(/^User [0-9a-f]{6}/).count(), 0);
});

test("no page met an error on the way", () => {
  const errors = Object.fromEntries([iris, jack, kate, liam].map(({ name, errors }) => [name, errors]));
  assert.deepEqual(errors, { iris: [], jack: [], kate: [], liam: [] });
});
