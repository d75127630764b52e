// Does what the tutorial docs/tutorials/first-chat.md tells its reader, with `make run` and two browsers, and says how long it
// took from the moment on at which the server was there. What the tutorial quotes must be what is to be seen.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser, Person } from "./support.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Of a stranger's time, the compiler's not counted. */
const MINUTES = 5;
/** The compiler's. */
const BUILD_MS = 30 * 60_000;
const tutorial = await readFile(join(ROOT, "docs/tutorials/first-chat.md"), "utf8");
const quoted = (text) => assert.ok(tutorial.includes(text), `the tutorial does not say “${text}”`);

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  return port;
}

const port = await freePort();
const data = await mkdtemp(join(tmpdir(), "chat-first-"));
const own = `http://127.0.0.1:${port}`;

/** As in a terminal: Ctrl-C reaches all of it. */
async function makeRun() {
  const env = { ...process.env, PORT: String(port), CHAT_DATA_DIR: data };
  const child = spawn("make", ["run"], { cwd: ROOT, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  quoted("chat is running: open http://127.0.0.1:3000/app/");
  for (const deadline = Date.now() + BUILD_MS; !said.includes(`chat is running: open ${own}/app/`); ) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`make run: ${said.slice(-2_000)}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
  return child;
}

async function controlC(child) {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGINT");
  await ended;
}

const seconds = (since) => ((Date.now() - since) / 1_000).toFixed(0);
let server, browser;
try {
  const begun = Date.now();
  server = await makeRun();
  console.log(`make run: there after ${seconds(begun)} s, the compiler's included`);
  const there = Date.now();
  browser = await launchBrowser();

  const alice = await Person.arrive(browser, { url: own }, "alice");
  quoted("Create an account");
  await alice.register();
  quoted("*New room*");
  await alice.page.getByRole("button", { name: "New room" }).first().click();
  await alice.page.getByRole("textbox", { name: "Name", exact: true }).fill("general");
  quoted("*Create room*");
  await alice.page.getByRole("button", { name: "Create room" }).click();
  await alice.send("hello");
  quoted("*Sending* to *Sent*");
  await alice.bubbles("hello").getByRole("img", { name: "Sent", exact: true }).waitFor();

  const bob = await Person.arrive(browser, { url: own }, "bob");
  await bob.register();
  quoted("*Browse rooms*");
  await bob.page.getByRole("button", { name: "Browse rooms" }).first().click();
  await bob.page.getByRole("button", { name: "Join general" }).click();
  await bob.sees("hello");
  await bob.send("hello, alice");
  await alice.sees("hello, alice");

  await controlC(server);
  await alice.send("is anybody there?");
  quoted("marked *Sending*");
  await alice.bubbles("is anybody there?").getByRole("img", { name: "Sending" }).waitFor();
  server = await makeRun();
  for (const person of [bob, alice]) {
    await person.page.getByText("is anybody there?").first().waitFor({ timeout: 60_000 });
    await person.seesOnce("is anybody there?");
  }
  await alice.bubbles("is anybody there?").getByRole("img", { name: /^(Sent|Delivered|Read)/ }).waitFor({ timeout: 60_000 });

  const took = Date.now() - there;
  assert.ok(took < MINUTES * 60_000, `it took ${seconds(there)} s, more than ${MINUTES} minutes`);
  console.log(`first chat: two people talked, over a stop of the server, ${seconds(there)} s after it was there`);
} finally {
  await browser?.close();
  if (server) await controlC(server);
  await rm(data, { recursive: true, force: true });
}
