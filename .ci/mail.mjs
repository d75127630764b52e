// mail.mjs API MAIL : somebody registers at the API, finds the mail at MAIL, as the profile mail of Compose serves it,
// confirms his address by what stands in it, and only then may make a room.

import { randomUUID } from "node:crypto";

const [api, mail] = process.argv.slice(2);
const PATIENCE_MS = 30_000;
const name = `mail-${randomUUID().slice(0, 8)}`;
const email = `${name}@example.com`;

async function ask(method, url, { token, body } = {}) {
  const answer = await fetch(url, {
    method,
    headers: { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  return { status: answer.status, body: text && JSON.parse(text) };
}

function check(right, what) {
  if (!right) throw new Error(what);
}

const made = await ask("POST", `${api}/auth/register`, { body: { username: name, email, password: randomUUID() } });
check(made.status === 201, `registering answered ${made.status}: ${JSON.stringify(made.body)}`);
const { token } = made.body;
const room = () => ask("POST", `${api}/rooms`, { token, body: { name } });
const early = await room();
check(early.status === 403 && early.body.code === "emailNotVerified", `a room too early answered ${early.status}`);

const end = Date.now() + PATIENCE_MS;
let letter;
while (!letter) {
  check(Date.now() < end, "no mail came");
  const { body } = await ask("GET", `${mail}/api/v1/messages`);
  letter = body.messages.find(({ To }) => To.some(({ Address }) => Address === email));
  if (!letter) await new Promise((resolve) => setTimeout(resolve, 200));
}
const { body: whole } = await ask("GET", `${mail}/api/v1/message/${letter.ID}`);
const link = /https?:\/\/\S+\/app\/#\/verify-email\/(\S+)/.exec(whole.Text);
check(link, `no link in: ${whole.Text}`);
const confirmed = await ask("POST", `${api}/auth/verify-email`, { body: { token: link[1] } });
check(confirmed.status < 300, `confirming answered ${confirmed.status}: ${JSON.stringify(confirmed.body)}`);
const late = await room();
check(late.status === 201, `a room answered ${late.status}: ${JSON.stringify(late.body)}`);
console.log(`mail: ${letter.Subject}: the address was confirmed`);
