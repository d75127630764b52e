// Load over HTTP and WebSocket from outside, for k6: k6 run -e URL=https://chat.example.com benches/k6/loadtest.js
//
//   PROFILE   smoke (default), load, stress or soak
//   URL       where the API is; WS_URL, if its socket is elsewhere
//   USERS     accounts that are made for it (as many as people at once); ROOMS, rooms they share
//
// Aim it at an installation of your own that nobody needs, with CHAT_RATE_LIMITS=off, as everybody comes from one address,
// and CHAT_EMAIL_VERIFICATION=off, as nobody confirms one.
// Accounts and rooms stay behind. `make load` measures the same without k6, on one machine.

import { check, fail, sleep } from "k6";
import exec from "k6/execution";
import http from "k6/http";
import { Counter, Rate, Trend } from "k6/metrics";
import ws from "k6/ws";

const API = (__ENV.URL ?? "http://127.0.0.1:3000").replace(/\/$/, "");
const WS_URL = __ENV.WS_URL ?? `${API.replace(/^http/, "ws")}/ws`;
const PROFILE = __ENV.PROFILE ?? "smoke";

/** Who comes when, and how long a socket stays; people write once in `everyMs`.
 * @type {Record<string, { stages: { duration: string, target: number }[], stayMs: number, everyMs: number }>} */
const PROFILES = {
  // Whether the script and the installation fit together.
  smoke: { stages: [{ duration: "5s", target: 4 }, { duration: "25s", target: 4 }, { duration: "5s", target: 0 }], stayMs: 10_000, everyMs: 1_000 },
  // A busy day.
  load: { stages: [{ duration: "2m", target: 500 }, { duration: "10m", target: 500 }, { duration: "1m", target: 0 }], stayMs: 120_000, everyMs: 10_000 },
  // More and more, to see what gives way first, and whether it comes back.
  stress: {
    stages: [{ duration: "2m", target: 500 }, { duration: "5m", target: 2_000 }, { duration: "5m", target: 4_000 }, { duration: "2m", target: 500 }, { duration: "2m", target: 500 }, { duration: "1m", target: 0 }],
    stayMs: 120_000,
    everyMs: 10_000,
  },
  // Long enough for a leak.
  soak: { stages: [{ duration: "5m", target: 300 }, { duration: "4h", target: 300 }, { duration: "5m", target: 0 }], stayMs: 600_000, everyMs: 20_000 },
};

const profile = PROFILES[PROFILE];
if (!profile) throw new Error(`PROFILE: one of ${Object.keys(PROFILES).join(", ")}, not ${PROFILE}`);
const most = Math.max(...profile.stages.map(({ target }) => target));
const USERS = Number(__ENV.USERS ?? most);
const ROOMS = Number(__ENV.ROOMS ?? Math.max(1, Math.round(most / 50)));

const delivery = new Trend("chat_delivery", true);
const acknowledged = new Trend("chat_ack", true);
const ready = new Trend("chat_ready", true);
const sent = new Counter("chat_sent");
const delivered = new Counter("chat_delivered");
const refused = new Rate("chat_refused");
const broken = new Rate("chat_sockets_broken");

/** @type {import("k6/options").Options} */
export const options = {
  scenarios: {
    people: { executor: "ramping-vus", startVUs: 0, stages: profile.stages, gracefulRampDown: `${profile.stayMs / 1_000 + 5}s` },
  },
  setupTimeout: "10m",
  // The promises of docs/reference/metrics.md and its alerts, as somebody outside sees them. Under stress it may be
  // slower, but what it refuses and breaks stays within bounds.
  thresholds: {
    chat_delivery: [PROFILE === "stress" ? "p(99)<2000" : "p(99)<500"],
    chat_ack: [PROFILE === "stress" ? "p(99)<2000" : "p(99)<500"],
    chat_ready: ["p(99)<2000"],
    chat_refused: [PROFILE === "stress" ? "rate<0.05" : "rate<0.001"],
    chat_sockets_broken: [PROFILE === "stress" ? "rate<0.05" : "rate<0.001"],
    chat_delivered: ["count>0"],
    http_req_failed: [PROFILE === "stress" ? "rate<0.05" : "rate<0.001"],
    checks: ["rate>0.99"],
  },
};

/** @param {string} path @param {object | null} body @param {string=} token @returns {any} */
function post(path, body, token) {
  const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) };
  const answer = http.post(API + path, body && JSON.stringify(body), { headers, tags: { name: path.replace(/[0-9a-f-]{36}/, "ID") } });
  if (answer.status >= 300) fail(`POST ${path} answered ${answer.status}: ${String(answer.body).slice(0, 200)}`);
  return answer.body ? answer.json() : null;
}

/** A UUID of version 4 by chance: the key under which a message is sent once. */
function key() {
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () => Math.floor(Math.random() * 16).toString(16));
}

/** Accounts and rooms, before anybody comes.
 * @returns {{ tokens: string[], rooms: string[] }} */
export function setup() {
  const run = key().slice(0, 8);
  /** @type {string[]} */
  const tokens = [];
  for (let n = 0; n < USERS; n += 1) {
    const username = `load-${run}-${n}`;
    tokens.push(post("/auth/register", { username, email: `${username}@example.com`, password: key() }).token);
  }
  /** @type {string[]} */
  const rooms = [];
  for (let n = 0; n < ROOMS; n += 1) rooms.push(post("/rooms", { name: `load ${run} ${n}` }, tokens[0]).id);
  tokens.forEach((token, n) => {
    if (n > 0) post(`/rooms/${rooms[n % ROOMS]}/join`, null, token);
  });
  return { tokens, rooms };
}

/** One person: opens a socket, follows a room, writes now and then, and goes.
 * @param {{ tokens: string[], rooms: string[] }} data */
export default function person({ tokens, rooms }) {
  const me = (exec.vu.idInTest - 1) % tokens.length;
  const room = rooms[me % rooms.length];
  const began = Date.now();
  /** When each message was sent, by its key. @type {Map<string, number>} */
  const waiting = new Map();
  let good = false;

  const answer = ws.connect(WS_URL, { headers: { authorization: `Bearer ${tokens[me]}` } }, (socket) => {
    /** @param {object} frame */
    const say = (frame) => socket.send(JSON.stringify(frame));
    socket.on("message", (text) => {
      const frame = JSON.parse(text);
      if (frame.t === "ready") {
        ready.add(Date.now() - began);
        say({ t: "room.subscribe", ref: "subscribe", room, d: {} });
      } else if (frame.t === "room.subscribed") {
        good = true;
        socket.setInterval(() => {
          const clientMsgId = key();
          waiting.set(clientMsgId, Date.now());
          say({ t: "message.send", ref: clientMsgId, room, d: { clientMsgId, content: `load ${Date.now()}` } });
          sent.add(1);
        }, profile.everyMs * (0.5 + Math.random()));
        socket.setInterval(() => say({ t: "ping", ref: "ping" }), 25_000);
      } else if (frame.t === "ack" && waiting.has(frame.ref)) {
        acknowledged.add(Date.now() - (waiting.get(frame.ref) ?? 0));
        waiting.delete(frame.ref);
        refused.add(false);
      } else if (frame.t === "message.created") {
        // Sender and reader are of this machine, so one clock tells both times.
        const at = /^load (\d+)$/.exec(frame.d.content)?.[1];
        if (at) delivery.add(Date.now() - Number(at));
        delivered.add(1);
      } else if (frame.t === "error") {
        refused.add(true);
      }
    });
    socket.on("error", () => {
      good = false;
    });
    socket.on("close", (code) => {
      // A server that stops sends people away in good order.
      if (code !== 1_000 && code !== 4_200) good = false;
    });
    socket.setTimeout(() => socket.close(1_000), profile.stayMs);
  });
  check(answer, { "the socket was opened": (one) => one?.status === 101 });
  broken.add(!good);
  // Nobody comes back at once.
  sleep(Math.random());
}
