// A mail server for stories: takes what a server with its password sends, and keeps it until somebody looks for it.

import { once } from "node:events";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

const USER = "chat";
const PASSWORD = "a password of the mail server";
const PATIENCE_MS = 15_000;

export class MailCatcher {
  #server;
  #kept = [];
  /** Told of each letter. */
  #readers = new Set();

  static async start() {
    const catcher = new MailCatcher();
    await catcher.#listen();
    return catcher;
  }

  async #listen() {
    this.#server = new SMTPServer({
      authMethods: ["PLAIN"],
      // No machine but this one is on the way.
      allowInsecureAuth: true,
      disabledCommands: ["STARTTLS"],
      onAuth: ({ username, password }, _session, done) =>
        username === USER && password === PASSWORD ? done(null, { user: username }) : done(new Error("Wrong user or password")),
      onData: (stream, session, done) => void this.#take(stream, session).then(() => done(), done),
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server.server, "listening");
    this.url = `smtp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.#server.server.address().port}`;
  }

  async #take(stream, { envelope }) {
    const letter = await PostalMime.parse(Buffer.concat(await stream.toArray()));
    this.#kept.push({ ...letter, envelope: { from: envelope.mailFrom.address, to: envelope.rcptTo.map(({ address }) => address) } });
    for (const look of this.#readers) look();
  }

  /** The oldest letter of this subject to this address, which then is no longer kept; waits for it. */
  async letter(to, subject) {
    let look, late;
    try {
      return await new Promise((resolve, reject) => {
        look = () => {
          const place = this.#kept.findIndex((letter) => letter.subject === subject && letter.envelope.to.includes(to));
          if (place < 0) return;
          this.#readers.delete(look);
          resolve(this.#kept.splice(place, 1)[0]);
        };
        late = setTimeout(() => reject(new Error(`no mail “${subject}” for ${to} in ${JSON.stringify(this.unread)}`)), PATIENCE_MS);
        this.#readers.add(look);
        look();
      });
    } finally {
      clearTimeout(late);
      this.#readers.delete(look);
    }
  }

  /** What nobody asked for, as subjects by address. */
  get unread() {
    return this.#kept.map(({ envelope, subject }) => `${envelope.to}: ${subject}`);
  }

  async dispose() {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
