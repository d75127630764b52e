// The load test, run by Node on a stand-in for k6's modules, as far as it uses them: k6 itself is not to be had here.
// What its types say of the rest, the suite checks beside this.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const SOURCE = readFileSync(new URL("../../benches/k6/loadtest.js", import.meta.url), "utf8");
let count = 0;

/** The script as a module, its imports taken from `modules`. */
async function load(env, modules = {}) {
  globalThis.k6 = {
    k6: { check: () => true, fail: (text) => assert.fail(text), sleep: () => {} },
    "k6/execution": { vu: { idInTest: 1 } },
    "k6/http": { post: () => assert.fail("a request") },
    "k6/metrics": Object.fromEntries(["Counter", "Rate", "Trend"].map((kind) => [kind, metric(kind)])),
    "k6/ws": { connect: () => assert.fail("a socket") },
    ...modules,
  };
  globalThis.__ENV = env;
  const text = SOURCE.replace(/^import (.+) from "(k6[\w/]*)";$/gm, 'const $1 = globalThis.k6["$2"];');
  assert.doesNotMatch(text, /^import /m);
  count += 1;
  return import(`data:text/javascript;base64,${Buffer.from(`${text}\n// ${count}`).toString("base64")}`);
}

/** Every value that a metric was given, by its name. */
const measured = {};
function metric() {
  return class {
    constructor(name) {
      measured[name] = this.values = [];
    }

    add(value) {
      this.values.push(value);
    }
  };
}

/** A server that answers as ours does, at once; what is said to it is kept. */
function server({ refuse = false, closes = 1_000 } = {}) {
  const said = [];
  return {
    said,
    connect(url, params, open) {
      const handlers = {};
      const timers = [];
      const tell = (frame) => handlers.message(JSON.stringify(frame));
      open({
        on: (what, then) => (handlers[what] = then),
        setInterval: (then, ms) => timers.push({ then, ms }),
        setTimeout: (then, ms) => timers.push({ then, ms, once: true }),
        close: () => handlers.close(closes),
        send(text) {
          const frame = JSON.parse(text);
          said.push({ ...frame, params, url });
          if (frame.t === "room.subscribe") tell({ t: "room.subscribed", ref: frame.ref, room: frame.room });
          if (frame.t === "message.send" && refuse) tell({ t: "error", ref: frame.ref, d: { code: "rateLimited" } });
          else if (frame.t === "message.send") {
            tell({ t: "ack", ref: frame.ref, d: {} });
            tell({ t: "message.created", room: frame.room, d: { content: frame.d.content } });
          }
        },
      });
      tell({ t: "hello" });
      tell({ t: "ready" });
      for (const timer of timers.filter(({ once }) => !once)) timer.then();
      timers.find(({ once }) => once).then();
      return { status: 101 };
    },
  };
}

const DATA = { tokens: ["a", "b"], rooms: ["r"] };

test("there are four profiles, each with an end and with thresholds", async () => {
  for (const PROFILE of ["smoke", "load", "stress", "soak"]) {
    const { options } = await load({ PROFILE });
    const { stages } = options.scenarios.people;
    assert.equal(stages.at(-1).target, 0, PROFILE);
    assert.ok(stages.every(({ duration }) => /^\d+[smh]$/.test(duration)));
    for (const [name, bounds] of Object.entries(options.thresholds)) {
      assert.ok(name in measured || ["http_req_failed", "checks"].includes(name), `${name} is measured by nobody`);
      assert.ok(bounds.every((bound) => /^(p\(99\)|rate|count)[<>][\d.]+$/.test(bound)), name);
    }
  }
  assert.deepEqual(Object.keys((await load({})).options.scenarios), ["people"]);
  await assert.rejects(load({ PROFILE: "smok" }), /PROFILE: one of smoke/);
});

test("accounts and rooms are made before anybody comes", async () => {
  const asked = [];
  const post = (url, body, { headers }) => {
    asked.push({ url, body: body && JSON.parse(body), token: headers.authorization });
    return { status: 201, body: "{}", json: () => ({ token: `t${asked.length}`, id: `r${asked.length}` }) };
  };
  const { setup } = await load({ URL: "http://127.0.0.1:1/", USERS: "3", ROOMS: "2" }, { "k6/http": { post } });
  const { tokens, rooms } = setup();
  assert.equal(tokens.length, 3);
  assert.equal(rooms.length, 2);
  assert.deepEqual(asked.map(({ url }) => url.replace("http://127.0.0.1:1", "")), [
    "/auth/register", "/auth/register", "/auth/register", "/rooms", "/rooms", `/rooms/${rooms[1]}/join`, `/rooms/${rooms[0]}/join`]);
  assert.equal(new Set(asked.slice(0, 3).map(({ body }) => body.email)).size, 3);
});

test("a refusal while they are made ends the run", async () => {
  const post = () => ({ status: 429, body: "slower" });
  const { setup } = await load({}, { "k6/http": { post } });
  assert.throws(setup, /answered 429/);
});

test("a person follows a room, writes, and measures what comes back", async () => {
  const there = server();
  const { default: person } = await load({ URL: "https://chat.example.com" }, { "k6/ws": there });
  person(DATA);
  assert.deepEqual(there.said.map(({ t }) => t), ["room.subscribe", "message.send", "ping"]);
  const [subscribe, send] = there.said;
  assert.equal(subscribe.url, "wss://chat.example.com/ws");
  assert.equal(subscribe.params.headers.authorization, "Bearer a");
  assert.equal(send.room, "r");
  assert.match(send.d.clientMsgId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const name of ["chat_ready", "chat_ack", "chat_delivery"]) {
    assert.equal(measured[name].length, 1, name);
    assert.ok(measured[name][0] >= 0 && measured[name][0] < 1_000, name);
  }
  assert.deepEqual(measured.chat_refused, [false]);
  assert.deepEqual(measured.chat_sockets_broken, [false]);
});

test("what is refused and what breaks is counted", async () => {
  (await load({}, { "k6/ws": server({ refuse: true }) })).default(DATA);
  assert.deepEqual(measured.chat_refused, [true]);
  (await load({}, { "k6/ws": server({ closes: 4_103 }) })).default(DATA);
  assert.deepEqual(measured.chat_sockets_broken, [true]);
  (await load({}, { "k6/ws": server({ closes: 4_200 }) })).default(DATA);
  assert.deepEqual(measured.chat_sockets_broken, [false]);
});
