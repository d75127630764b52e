// Whether a chat that runs does what it is for; smoke.sh tells how to call it. Each step says what it found;
// the first that finds something else ends the run with 1.

import { parseArgs } from "node:util";
import { randomUUID } from "node:crypto";

const PATIENCE_MS = 10_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    api: { type: "string" },
    ws: { type: "string" },
    metrics: { type: "string" },
    "no-page": { type: "boolean", default: false },
  },
});
if (positionals.length !== 1 || typeof WebSocket === "undefined") {
  console.error("usage: smoke.sh URL [--api URL] [--ws URL] [--metrics URL] [--no-page]");
  process.exit(2);
}
const page = positionals[0].replace(/\/$/, "");
const api = (values.api ?? page).replace(/\/$/, "");
const ws = values.ws ?? `${api.replace(/^http/, "ws")}/ws`;

function check(right, what) {
  if (!right) throw new Error(what);
}

/** One answer of the API, as what its JSON says; any status but the one expected is a fault. */
async function ask(method, path, { token, body, expect = 200 } = {}) {
  const answer = await fetch(api + path, {
    method,
    headers: {
      ...(body && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await answer.text();
  check(answer.status === expect, `${method} ${path} answered ${answer.status}: ${text.slice(0, 300)}`);
  return text ? JSON.parse(text) : null;
}

/** A socket that remembers every frame, so that none can be missed between two waits. */
class Socket {
  frames = [];
  waiting = [];

  constructor(url, protocols) {
    this.socket = new WebSocket(url, protocols);
    this.socket.onmessage = ({ data }) => this.push(JSON.parse(data));
    this.socket.onclose = ({ code }) => this.push({ t: "closed", d: { code } });
  }

  push(frame) {
    this.frames.push(frame);
    this.waiting = this.waiting.filter((look) => !look());
  }

  say(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  /** The first frame that fits, past or to come. A refusal or a close ends the wait. */
  next(what, fits) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const got = this.frames.map((frame) => frame.t).join(", ");
        reject(new Error(`no ${what} within ${PATIENCE_MS / 1000} s; there came: ${got || "nothing"}`));
      }, PATIENCE_MS);
      const look = () => {
        const found = this.frames.find(fits);
        const end = this.frames.find((frame) => frame.t === "error" || frame.t === "closed");
        if (!found && !end) return false;
        clearTimeout(timer);
        if (found) resolve(found);
        else reject(new Error(`instead of ${what}: ${JSON.stringify(end)}`));
        return true;
      };
      if (!look()) this.waiting.push(look);
    });
  }

  close() {
    this.socket.onclose = null;
    this.socket.close(1000);
  }
}

const run = randomUUID().slice(0, 8);
const people = [];
let room;

/** The account given, for both; or two new ones. */
async function signIn() {
  const { SMOKE_EMAIL: email, SMOKE_PASSWORD: password } = process.env;
  if (email && password) {
    const signed = await ask("POST", "/auth/login", { body: { email, password } });
    people.push(signed, signed);
    return "with the account given";
  }
  for (const name of ["a", "b"]) {
    const username = `smoke-${run}-${name}`;
    const body = { username, email: `${username}@example.com`, password: randomUUID() };
    people.push(await ask("POST", "/auth/register", { body, expect: 201 }));
  }
  // Nobody here reads mail, and who has not confirmed an address may not write.
  const confirmed = people.every(({ user }) => user.emailVerified !== false);
  check(confirmed, "addresses must be confirmed here: name an account by SMOKE_EMAIL and SMOKE_PASSWORD");
  return people.map(({ user }) => user.username).join(" and ");
}

async function servePage() {
  const answer = await fetch(`${page}/app/`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const html = await answer.text();
  check(answer.ok && html.includes('id="root"'), `${page}/app/ answered ${answer.status} and no page`);
  const script = html.match(/src="(\/app\/assets\/[^"]+\.js)"/)?.[1];
  check(script, "the page names no script");
  const asset = await fetch(page + script, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const bytes = (await asset.arrayBuffer()).byteLength;
  check(asset.ok && bytes > 10_000, `${script} answered ${asset.status} with ${bytes} bytes`);
  const config = await fetch(`${page}/app/config.json`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  // A page without one looks for the API where it came from.
  check(config.ok || config.status === 404, `/app/config.json answered ${config.status}`);
  return config.ok ? `its configuration is ${JSON.stringify(await config.json())}` : "without a configuration";
}

async function makeRoom() {
  const [a, b] = people;
  room = (await ask("POST", "/rooms", { token: a.token, body: { name: `smoke ${run}` }, expect: 201 })).id;
  if (b !== a) await ask("POST", `/rooms/${room}/join`, { token: b.token });
  return room;
}

async function connect({ token }) {
  const { ticket } = await ask("POST", "/ws/ticket", { token, expect: 201 });
  const socket = new Socket(ws, ["chat.v1.json", `ticket.${ticket}`]);
  await socket.next("ready", (frame) => frame.t === "ready");
  socket.say({ t: "room.subscribe", ref: "subscribe", room, d: {} });
  await socket.next("room.subscribed", (frame) => frame.t === "room.subscribed" && frame.ref === "subscribe");
  return socket;
}

let sockets;

async function talk() {
  sockets = await Promise.all(people.map(connect));
  const places = [];
  for (const [n, from] of sockets.entries()) {
    const clientMsgId = randomUUID();
    const content = `smoke ${run}, message ${n}`;
    from.say({ t: "message.send", ref: `send ${n}`, room, d: { clientMsgId, content } });
    const ack = await from.next("ack", (frame) => frame.t === "ack" && frame.ref === `send ${n}`);
    const heard = (frame) => frame.t === "message.created" && frame.d.content === content;
    const [event] = await Promise.all(sockets.map((socket) => socket.next("message.created", heard)));
    check(event.seq === ack.d.seq, `the ack says place ${ack.d.seq}, the event ${event.seq}`);
    places.push(event.seq);
  }
  return `two messages, to both: places ${places.join(" and ")}`;
}

async function readBack() {
  const { messages } = await ask("GET", `/messages?roomId=${room}`, { token: people[1].token });
  const contents = messages.map((message) => message.content).sort();
  const expected = [0, 1].map((n) => `smoke ${run}, message ${n}`);
  check(JSON.stringify(contents) === JSON.stringify(expected), `the history holds ${JSON.stringify(contents)}`);
  return `${messages.length} messages, each once`;
}

/** The smallest picture there is. */
const DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Up, along with a message, and down again by the other one. */
async function sendFile() {
  const [a, b] = people;
  const form = new FormData();
  form.append("file", new Blob([Buffer.from(DOT, "base64")]), "dot.png");
  const upload = await fetch(`${api}/attachments`, {
    method: "POST",
    headers: { authorization: `Bearer ${a.token}` },
    body: form,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  check(upload.status === 201, `an upload answered ${upload.status}: ${await upload.clone().text()}`);
  const file = await upload.json();
  const body = { roomId: room, content: "", attachments: [file.id] };
  const message = await ask("POST", "/messages", { token: a.token, body, expect: 201 });
  check(message.attachments[0]?.url === file.url, `the message shows ${JSON.stringify(message.attachments)}`);
  const read = (token) =>
    fetch(`${api}/attachments/${file.id}`, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  const answer = await read(b.token);
  const bytes = Buffer.from(await answer.arrayBuffer());
  check(answer.ok && bytes.subarray(1, 4).toString() === "PNG", `reading it answered ${answer.status}`);
  check((await read()).status === 401, "it is read without a token");
  return `${bytes.length} bytes up, with a message, and down`;
}

async function metrics() {
  const answer = await fetch(values.metrics, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const text = await answer.text();
  check(answer.ok, `${values.metrics} answered ${answer.status}`);
  for (const name of ["websocket_active_connections", "messages_committed_total", "http_requests_total"]) {
    check(new RegExp(`^${name}[ {]`, "m").test(text), `there is no ${name}`);
  }
  return `${text.split("\n").filter((line) => line && !line.startsWith("#")).length} series`;
}

async function metricsStayInside() {
  const answer = await fetch(`${api}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  check(answer.status === 404, `${api}/metrics answered ${answer.status}: it must not be served to everyone`);
  return "not served with the API";
}

const steps = [
  ["ready", async () => (await ask("GET", "/health/ready")).status],
  ...(values["no-page"] ? [] : [["page", servePage]]),
  ["sign in", signIn],
  ["room", makeRoom],
  ["sockets", talk],
  ["history", readBack],
  ["file", sendFile],
  // Named separately, they are inside; then they must not be outside as well.
  ...(values.metrics ? [["metrics", metrics], ["metrics", metricsStayInside]] : []),
];

let passed = 0;
try {
  for (const [name, step] of steps) {
    const began = performance.now();
    const found = await step().catch((error) => {
      throw new Error(`${name}: ${error.cause?.message ?? error.message}`);
    });
    passed += 1;
    console.log(`ok ${name}, ${Math.round(performance.now() - began)} ms: ${found}`);
  }
} catch (error) {
  console.error(`FAILED ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const socket of sockets ?? []) socket.close();
}
if (!values.metrics) console.log("not looked at: metrics (no --metrics)");
console.log(`smoke: ${passed} of ${steps.length} steps`);
