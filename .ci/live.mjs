// live.mjs SDK URL CLIENTS COMMAND... : people chat, each by the page's own SDK, while COMMAND does something to the
// servers. Afterwards everyone has to have every message once. SDK is the SDK as one module.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

const [sdk, url, count, ...command] = process.argv.slice(2);
const CLIENTS = Number(count);
if (!CLIENTS || command.length === 0) throw new Error("usage: live.mjs SDK URL CLIENTS COMMAND...");
const { ChatClient, memoryStorage } = await import(pathToFileURL(sdk));

const ROOMS = 25;
const EACH = 20;
/** Between two messages of a room. */
const BEAT_MS = 1000;
/** Until what was written last has arrived, reconnects with their backoff included. */
const PATIENCE_MS = 60_000;

const places = { apiUrl: url, socketUrl: `${url.replace(/^http/, "ws")}/ws` };
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sent = new Map();
const faults = [];
let lates = [];

/** What a client takes from the world, with an ear at its sockets. */
function environment(person) {
  return {
    ...places,
    fetch: (input, init) => fetch(input, init),
    openSocket(address, protocols) {
      const socket = new WebSocket(address, protocols);
      person.opened += 1;
      socket.addEventListener("message", ({ data }) => person.heard(socket, JSON.parse(data)));
      socket.addEventListener("close", ({ code }) => person.closed(socket, code));
      return socket;
    },
    storage: memoryStorage(),
    now: () => Date.now(),
    random: () => Math.random(),
    uuid: randomUUID,
    setTimeout,
    clearTimeout,
    exclusive: (_name, task) => task(),
    onWake: () => () => {},
    onStorage: () => () => {},
  };
}

class Person {
  opened = 0;
  /** By their text: when each message came for the first time. */
  came = new Map();
  codes = new Map();

  constructor(session, room) {
    this.room = room;
    this.client = new ChatClient(environment(this));
    this.session = session;
  }

  start() {
    this.client.adopt(this.session);
    this.client.openRoom(this.room);
  }

  heard(socket, frame) {
    if (frame.t !== "message.created" || frame.room !== this.room) return;
    const text = frame.d.content;
    if (this.came.has(text)) return;
    this.came.set(text, Date.now());
    lates.push(Date.now() - (sent.get(text) ?? Date.now()));
  }

  closed(socket, code) {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
  }
}

async function call(path, body, token) {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const run = randomUUID().slice(0, 8);
const users = [];
for (let n = 0; n < Math.ceil(CLIENTS / EACH); n += 1) {
  const username = `live-${run}-${n}`;
  users.push(await call("/auth/register", { username, email: `${username}@example.com`, password: randomUUID() }));
}
const rooms = [];
for (let n = 0; n < ROOMS; n += 1) {
  rooms.push((await call("/rooms", { name: `live ${run} ${n}` }, users[n % users.length].token)).id);
}
const people = [];
for (let n = 0; n < CLIENTS; n += 1) {
  const user = Math.floor(n / EACH);
  const room = (user + n) % ROOMS;
  if (room % users.length !== user) await call(`/rooms/${rooms[room]}/join`, {}, users[user].token);
  people.push(new Person(users[user], rooms[room]));
}
for (const person of people) {
  person.start();
  await sleep(4);
}
async function until(what, holds, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  while (!holds()) {
    if (Date.now() > end) return faults.push(`not within ${patience / 1000} s: ${what}`);
    await sleep(50);
  }
}
const isIn = ({ client, room }) => client.connectionStatus.status === "ready" && client.room(room)?.historyLoaded;
await until("everyone is connected", () => people.every(isIn));
await sleep(2000);

// Everyone has the room's log from here on; each beat somebody else of the room writes.
const byRoom = rooms.map((room) => people.filter((person) => person.room === room)).filter((them) => them.length > 0);
let beat = 0;
const beats = setInterval(() => {
  beat += 1;
  for (const [n, them] of byRoom.entries()) {
    // Spread over the beat, so that not all of them fall on one moment.
    setTimeout(() => {
      const text = `${n}/${sent.size}`;
      sent.set(text, Date.now());
      them[beat % them.length].client.messages.send(them[0].room, text);
    }, (n * BEAT_MS) / byRoom.length);
  }
}, BEAT_MS);
await sleep(5 * BEAT_MS);
const calm = lates;
lates = [];

const began = Date.now();
const code = await new Promise((resolve, reject) => {
  const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "inherit", "inherit"] });
  child.on("error", reject);
  child.on("exit", (exit, signal) => resolve(signal ?? exit));
});
if (code !== 0) faults.push(`${command.join(" ")} ended with ${code}`);
const took = Date.now() - began;
await sleep(3 * BEAT_MS);
clearInterval(beats);
await sleep(BEAT_MS);
const storm = lates;

await until("everything that was written has come", () =>
  byRoom.every((them, n) => {
    const texts = [...sent.keys()].filter((text) => text.startsWith(`${n}/`));
    return them.every((person) => texts.every((text) => person.came.has(text)));
  }),
);
await sleep(2 * BEAT_MS);

let shown = 0;
for (const [n, them] of byRoom.entries()) {
  const texts = [...sent.keys()].filter((text) => text.startsWith(`${n}/`));
  for (const { client, room } of them) {
    const entries = client.room(room)?.entries ?? [];
    const there = entries.map((entry) => (entry.kind === "message" ? entry.message.content : `draft ${entry.key}`));
    shown += there.length;
    const missing = texts.filter((text) => !there.includes(text));
    if (missing.length > 0) faults.push(`lost in room ${n}: ${missing.slice(0, 3).join(", ")} (${missing.length})`);
    if (there.length - new Set(there).size > 0) faults.push(`doubled in room ${n}`);
    if (there.length > texts.length) faults.push(`more in room ${n} than was written: ${there.length}, ${texts.length}`);
  }
}
for (const { client } of people) {
  const { repeats, gaps } = client.protocolFaults;
  if (repeats + gaps > 0) faults.push(`on one socket ${repeats} repeats and ${gaps} gaps`);
}
const at = (list, permille) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor((list.length * permille) / 1000))];
const codes = {};
for (const person of people) for (const [code, times] of person.codes) codes[code] = (codes[code] ?? 0) + times;
console.log(`${people.length} sockets, ${byRoom.length} rooms, ${sent.size} messages, ${shown} shown; the command took ${took} ms`);
console.log(`late, calm: p50 ${at(calm, 500)}, p99 ${at(calm, 990)} ms; meanwhile: p50 ${at(storm, 500)}, p99 ${at(storm, 990)}, at most ${at(storm, 1000)} ms`);
console.log(`closes ${JSON.stringify(codes)}`);
for (const fault of faults.slice(0, 20)) console.error(`FAULT ${fault}`);
console.log(`live: ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
