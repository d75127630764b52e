// What is unread, and how often one is mentioned, in rooms that are not open: at once, on every tab, and as a reload tells it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ChatServer, launchBrowser, Person } from "./support.mjs";

let server, browser, nora, tab, owen, pia;

before(async () => {
  server = await ChatServer.start();
  browser = await launchBrowser();
  const people = [];
  for (const name of ["nora", "owen", "pia"]) {
    const person = await Person.arrive(browser, server, name);
    await person.register();
    people.push(person);
  }
  [nora, owen, pia] = people;
  await nora.makeRoom("Pier");
  await owen.joinRoom("Pier");
  await nora.makeRoom("Quay");
  // Of the same browser, so logged in as well.
  tab = new Person("nora", nora.context, await nora.context.newPage(), nora.url);
  await tab.page.goto(nora.page.url());
  await tab.page.getByRole("heading", { name: "Quay", level: 1 }).waitFor();
  await looksElsewhere(nora);
});

after(async () => {
  await browser?.close();
  await server?.dispose();
});

const linkTo = (person, room) => person.page.getByRole("link", { name: new RegExp(`^${room}`) });

/** What the list says of a room that is not open. */
async function counts(person, room, unread, mentions = null) {
  const link = linkTo(person, room);
  await link.getByText(unread, { exact: true }).waitFor();
  if (mentions) await link.getByText(mentions, { exact: true }).waitFor();
  else assert.equal(await link.getByText("mention").count(), 0);
}

/** On both tabs, now and after a reload: nothing is known by luck. */
async function countsEverywhere(room, unread, mentions) {
  for (const one of [nora, tab]) await counts(one, room, unread, mentions);
  for (const one of [nora, tab]) {
    await one.page.reload();
    await counts(one, room, unread, mentions);
  }
}

/** A room that was left is followed closely for a moment more: not by a page that is loaded anew. */
async function looksElsewhere(person) {
  await linkTo(person, "Quay").click();
  await person.page.getByRole("heading", { name: "Quay", level: 1 }).waitFor();
  await person.page.reload();
  await person.page.getByRole("heading", { name: "Quay", level: 1 }).waitFor();
  await person.isConnected();
}

const nothingIsUnread = (person, room) => linkTo(person, room).getByText("unread").waitFor({ state: "detached" });

test("a mention in a room that is not open shows at once, and as well after a reload", async () => {
  await owen.send("the tide is low");
  for (const one of [nora, tab]) await counts(one, "Pier", "1 unread message");
  await owen.send("@nora, come and see");
  await countsEverywhere("Pier", "2 unread messages", "1 mention");
  await nora.shot("mention-light");
  await nora.passesAxe("a room with a mention");
  await linkTo(nora, "Pier").click();
  await nora.sees("the tide is low");
  for (const one of [nora, tab]) await nothingIsUnread(one, "Pier");
});

test("what one writes in a tab is not unread in the other", async () => {
  await nora.send("I am on my way");
  await nora.send("with a net");
  await owen.sees("with a net");
  await looksElsewhere(nora);
  await owen.send("and boots");
  await countsEverywhere("Pier", "1 unread message");
});

test("a message that its author deletes is not counted any more, nor is its mention", async () => {
  await owen.send("@nora, and gloves");
  for (const one of [nora, tab]) await counts(one, "Pier", "2 unread messages", "1 mention");
  await owen.fromMessage("@nora, and gloves", "Delete message");
  await owen.page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  for (const one of [nora, tab]) await linkTo(one, "Pier").getByText("mention").waitFor({ state: "detached" });
  await countsEverywhere("Pier", "1 unread message");
});

test("who joins a room that was added a moment ago is no unread message, and is counted among its members", async () => {
  await owen.makeRoom("Lock");
  await owen.page.getByRole("button", { name: /^Members/ }).click();
  await owen.page.getByLabel("Add somebody at once").fill("nora");
  await owen.page.getByRole("button", { name: "Add nora" }).click();
  await owen.page.getByText("nora is in the room now.").waitFor();
  await owen.page.keyboard.press("Escape");
  for (const one of [nora, tab]) await linkTo(one, "Lock").getByText("2 members").waitFor();
  await pia.joinRoom("Lock");
  for (const one of [nora, tab]) await linkTo(one, "Lock").getByText("3 members").waitFor();
  assert.equal(await linkTo(nora, "Lock").getByText("unread").count(), 0);
  await pia.send("hello");
  await countsEverywhere("Lock", "1 unread message");
});

test("no page met an error on the way", () => {
  const errors = Object.fromEntries([nora, owen, pia].map(({ name, errors }) => [name, errors]));
  assert.deepEqual({ ...errors, tab: tab.errors }, { nora: [], owen: [], pia: [], tab: [] });
});
