// A real server, a real browser, and the few words the story is told in.

import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = fileURLToPath(new URL(".", import.meta.url));
const BINARY = resolve(process.env.CHAT_BIN ?? join(here, "../../target/debug/chat"));
export const SHOTS = resolve(process.env.E2E_SHOTS ?? join(here, "../test-results"));

/** A built page in place of the one inside the binary: while working on it, the server need not be built again. */
const PAGE = process.env.E2E_PAGE && resolve(process.env.E2E_PAGE);

const BROWSER_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const WIDE = { width: 1200, height: 780 };
export const NARROW = { width: 360, height: 740 };

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

export class ChatServer {
  #process = null;
  #log = "";

  /** `settings` of the environment, beside those that every story has. */
  static async start(settings = {}) {
    const server = new ChatServer();
    server.settings = settings;
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.dataDir = await mkdtemp(join(tmpdir(), "chat-e2e-"));
    await server.run();
    return server;
  }

  /** On the same port and data folder each time. */
  async run() {
    const env = {
      ...process.env,
      HOST: "127.0.0.1",
      PORT: String(this.port),
      CHAT_DATA_DIR: this.dataDir,
      CHAT_RATE_LIMITS: "off",
      CHAT_PAGE_URL: this.url,
      ...this.settings,
    };
    const child = spawn(BINARY, ["serve"], { env, cwd: this.dataDir, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    let ended = null;
    child.on("error", (error) => (ended = error.message));
    child.on("exit", (code, signal) => (ended = `exit ${code ?? signal}`));
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (this.#log += text));

    const deadline = Date.now() + 30_000;
    for (;;) {
      if (ended) throw new Error(`${BINARY} did not start (${ended})\n${this.#log.slice(-4_000)}`);
      if (await fetch(`${this.url}/health`).then((answer) => answer.ok, () => false)) return;
      if (Date.now() > deadline) throw new Error(`no answer on ${this.url}/health\n${this.#log.slice(-4_000)}`);
      await new Promise((wake) => setTimeout(wake, 100));
    }
  }

  /** As kill -9 does: no goodbye. */
  async kill() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  async dispose() {
    await this.kill();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** The link in the newest mail of this subject to this address, once it is there. */
  async mailedLink(address, subject) {
    const folder = join(this.dataDir, "mail");
    for (const deadline = Date.now() + 15_000; ; ) {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".eml")).sort().reverse();
      for (const name of names) {
        const mail = plain(await readFile(join(folder, name), "utf8"));
        const link = /http:\/\/127\.0\.0\.1:\d+\/app\/#\/[\w-]+\/[\w-]+/.exec(mail)?.[0];
        if (mail.includes(`To: ${address}`) && mail.includes(`Subject: ${subject}`) && link) {
          await rm(join(folder, name));
          return link;
        }
      }
      if (Date.now() > deadline) throw new Error(`no mail “${subject}” for ${address} in ${names}`);
      await new Promise((wake) => setTimeout(wake, 100));
    }
  }

  post(path, token, body, headers) {
    return this.#ask("POST", path, token, body, headers);
  }

  get(path, token) {
    return this.#ask("GET", path, token);
  }

  put(path, token, body) {
    return this.#ask("PUT", path, token, body);
  }

  patch(path, token, body) {
    return this.#ask("PATCH", path, token, body);
  }

  async #ask(method, path, token, body, headers = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
    });
    assert.ok(answer.ok, `${path} answered ${answer.status}: ${await answer.clone().text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  async seed(token, roomId, total) {
    for (let n = 1; n <= total; n += 1) {
      const body = { roomId, content: `seeded message number ${n}` };
      await this.post("/messages", token, body, { "idempotency-key": randomUUID() });
    }
  }
}

/** Quoted-printable, as far as a link needs it. */
const plain = (mail) => mail.replace(/=\r?\n/g, "").replace(/=3D/g, "=");

export async function launchBrowser() {
  await mkdir(SHOTS, { recursive: true });
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  // A page put in the server's place comes from nowhere, which may not open local sockets.
  const args = PAGE ? [...BROWSER_ARGS, "--disable-features=LocalNetworkAccessChecks"] : BROWSER_ARGS;
  return chromium.launch({ executablePath, headless: true, args });
}

/** With the headers of the server's own page, its policy above all. */
async function pageBefore(server) {
  const own = await fetch(`${server.url}/app/`);
  const policy = own.headers.get("content-security-policy");
  return async (route) => {
    const name = new URL(route.request().url()).pathname.replace("/app/", "") || "index.html";
    const headers = name === "index.html" ? { "content-security-policy": policy } : {};
    const path = join(PAGE, name);
    if (existsSync(path)) await route.fulfill({ path, headers: { "content-type": TYPES[extname(name)], ...headers } });
    else await route.fulfill({ status: 404 });
  };
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };

/** One person at one browser, with the errors of the page noted. */
export class Person {
  constructor(name, context, page, url) {
    Object.assign(this, { name, context, page, url, errors: [] });
    this.email = `${name}@example.com`;
    this.password = `${name}-has-a-long-password`;
    page.setDefaultTimeout(10_000);
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (entry) => {
      // A dead server makes failed requests, which are part of the story.
      const expected = /Failed to load resource|WebSocket connection/.test(entry.text());
      if (entry.type() === "error" && !expected) this.errors.push(entry.text());
    });
  }

  static async arrive(browser, server, name, options = {}) {
    const context = await browser.newContext({ viewport: WIDE, ...options });
    if (PAGE) await context.route(`${server.url}/app/**`, await pageBefore(server));
    const page = await context.newPage();
    const person = new Person(name, context, page, `${server.url}/app/`);
    await page.goto(person.url);
    return person;
  }

  async register() {
    const { page } = this;
    await page.getByRole("link", { name: "Create an account" }).click();
    await page.getByLabel("User name").fill(this.name);
    await page.getByLabel("E-mail address").fill(this.email);
    await page.getByLabel("Password").fill(this.password);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("navigation", { name: "Your rooms" }).waitFor();
  }

  async logIn(email = this.email, password = this.password) {
    await this.page.getByLabel("E-mail address").fill(email);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.getByRole("navigation", { name: "Your rooms" }).waitFor();
  }

  async makeRoom(name) {
    const { page } = this;
    await page.getByRole("button", { name: "New room" }).first().click();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await page.getByRole("button", { name: "Create room" }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    return new URL(page.url()).hash.split("/")[2];
  }

  async joinRoom(name) {
    const { page } = this;
    await page.getByRole("button", { name: "Browse rooms" }).first().click();
    await page.getByRole("button", { name: `Join ${name}` }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
  }

  get composer() {
    return this.page.getByRole("textbox", { name: /^Message to/ });
  }

  async send(text) {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** The bubbles with exactly this text. */
  bubbles(text) {
    return this.page.locator(".message", { has: this.page.locator(".message-text").getByText(text, { exact: true }) });
  }

  /** A choice in the menu of the room. */
  async fromMenu(choice) {
    await this.page.getByRole("button", { name: "More about this room" }).click();
    await this.page.getByRole("dialog", { name: "More about this room" }).getByRole("button", { name: choice }).click();
  }

  /** A choice in the menu of a message. */
  async fromMessage(text, choice) {
    const bubble = this.bubbles(text).first();
    await bubble.hover();
    await bubble.getByRole("button", { name: "More to do with this message" }).click();
    await bubble.getByRole("button", { name: choice }).click();
  }

  /** Where a link, a hit or a day led: the message has the focus, and is in sight. */
  async isLedTo(text) {
    await this.page.waitForFunction((text) => {
      const { activeElement: el } = document;
      const { top = -1, bottom = -1 } = el?.matches(".message-target") ? el.getBoundingClientRect() : {};
      return el.querySelector(".message-text")?.textContent === text && top >= 0 && bottom <= innerHeight;
    }, text);
  }

  async sees(text) {
    await this.bubbles(text).first().waitFor();
  }

  async seesOnce(text) {
    await this.sees(text);
    assert.equal(await this.bubbles(text).count(), 1, `${this.name} sees “${text}” once`);
  }

  async isConnected() {
    await this.page.waitForFunction(() => document.querySelector(".banner") === null);
  }

  /** What scripts of the page can find of the session: never a token. */
  stored() {
    return this.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  }

  /** Of a login beside the page's own, whose tokens nobody can get at; one is enough for a story. */
  apiToken() {
    return (this.token ??= this.#logInBeside());
  }

  async #logInBeside() {
    const answer = await fetch(new URL("/auth/login", this.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: this.email, password: this.password }),
    });
    assert.ok(answer.ok, `/auth/login answered ${answer.status}`);
    return (await answer.json()).token;
  }

  /** What fades in has wrong colours for a moment. What is taken away meanwhile does not matter. */
  async settled() {
    await this.page.evaluate(() => Promise.allSettled(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished)));
  }

  async shot(name) {
    await this.settled();
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  /** Nothing sticks out sideways, at any depth. */
  async fitsTheWidth() {
    const outside = await this.page.evaluate(() =>
      [...document.querySelectorAll("#root *")]
        // Text for screen readers alone is cut off on purpose.
        .filter((el) => el.checkVisibility() && !el.closest(".visually-hidden") && el.getBoundingClientRect().right > innerWidth + 1)
        .map((el) => el.outerHTML.slice(0, 120)),
    );
    assert.deepEqual(outside, []);
  }

  /** Each part scrolls by itself: nothing pushes the page out of the window. */
  async staysInPlace() {
    const height = await this.page.evaluate(() => document.querySelector(".shell") && document.scrollingElement.scrollHeight - innerHeight);
    assert.ok((height ?? 0) <= 1, `the page is ${height} pixels too high`);
  }

  /** In every dress that the page has. */
  async looksRight(name) {
    for (const colorScheme of ["light", "dark"]) {
      await this.page.emulateMedia({ colorScheme });
      await this.shot(`${name}-${colorScheme}`);
      await this.staysInPlace();
      await this.passesAxe(`${name}, ${colorScheme}`);
    }
    await this.page.emulateMedia({ colorScheme: "light" });
    await this.page.setViewportSize(NARROW);
    await this.shot(`${name}-narrow`);
    await this.passesAxe(`${name}, narrow`);
    await this.fitsTheWidth();
    await this.staysInPlace();
    await this.page.setViewportSize(WIDE);
  }

  async passesAxe(where) {
    await this.settled();
    // Legacy: without a window of its own for each judgement. There are no frames to be judged.
    const { violations } = await new AxeBuilder({ page: this.page }).setLegacyMode(true).analyze();
    const told = violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.html).join("\n    ")}`);
    assert.deepEqual(told, [], `axe on ${where}`);
  }
}
