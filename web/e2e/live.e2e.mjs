// People who chat by the page's own SDK, as .ci/live.mjs has them do while the servers of a whole installation are killed
// and exchanged. Here nothing is done to the server: what is looked at is that the script can tell right from wrong.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ChatServer } from "./support.mjs";

const WEB = new URL("..", import.meta.url);
const LIVE = fileURLToPath(new URL("../.ci/live.mjs", WEB));
const PEOPLE = "6";

let server, folder, sdk;

before(async () => {
  server = await ChatServer.start();
  folder = mkdtempSync(join(tmpdir(), "chat-live-"));
  sdk = join(folder, "sdk.mjs");
  const rolldown = fileURLToPath(new URL("node_modules/.bin/rolldown", WEB));
  const made = spawnSync(rolldown, ["sdk/src/index.ts", "--format", "esm", "--file", sdk], { cwd: WEB, encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
});

after(async () => {
  await server?.dispose();
  if (folder) rmSync(folder, { recursive: true });
});

/** They chat while this command runs: how the script ended, and what it said. */
function live(command) {
  return new Promise((resolve, reject) => {
    const words = ["--experimental-websocket", "--no-warnings", LIVE, sdk, server.url, PEOPLE, command];
    const child = spawn(process.execPath, words);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, said }));
  });
}

test("people who chat while a command runs have every message once; a command that fails is a fault", async () => {
  const [good, bad] = await Promise.all([live("true"), live("false")]);
  assert.equal(good.code, 0, good.said);
  assert.match(good.said, /^live: 0 faults$/m);
  assert.doesNotMatch(good.said, / 0 shown/);
  assert.equal(bad.code, 1, bad.said);
  assert.match(bad.said, /^FAULT false ended with 1$/m);
  assert.match(bad.said, /^live: 1 faults$/m);
});
