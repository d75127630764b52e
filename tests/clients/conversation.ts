// A conversation by a client that openapi-typescript made of the document: each path, body and answer has its type, and
// what is not in the document does not compile. conversation.ts URL

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[] };

type Session = components["schemas"]["Session"];

const url = process.argv[2]!;
const run = crypto.randomUUID().slice(0, 8);
const nobody = createClient<paths>({ baseUrl: url });
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

function check(right: boolean, what: string): asserts right {
  if (!right) throw new Error(`not so: ${what}`);
}

/** What a request answered, which was no error. */
function got<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T {
  if (data === undefined) throw new Error(`${response.url} answered ${response.status}: ${JSON.stringify(error)}`);
  return data;
}

async function register(name: string): Promise<Session> {
  const username = `${name}-${run}`;
  const body = { username, email: `${username}@example.com`, password: `${name} has a long password` };
  return got(await nobody.POST("/auth/register", { body }));
}

const as = (session: Session) =>
  createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${session.token}` } });

const [anna, ben] = [await register("anna"), await register("ben")];
const email = `anna-${run}@example.com`;
const refused = await nobody.POST("/auth/login", { body: { email, password: "a wrong password" } });
check(refused.error?.code === "unauthorized", "a wrong password is refused by a problem with a code");
const login = got(await nobody.POST("/auth/login", { body: { email, password: "anna has a long password" } }));
check(login.user.id === anna.user.id, "the login is that of who registered");
const [me, other] = [as(login), as(ben)];

const room = got(await me.POST("/rooms", { body: { name: `typed ${run}` } }));
const inRoom = { params: { path: { roomId: room.id } } };
got(await other.POST("/rooms/{roomId}/join", inRoom));

const header = { "Idempotency-Key": crypto.randomUUID() };
const send = () => me.POST("/messages", { params: { header }, body: { roomId: room.id, content: "helo" } });
const [first, again] = [got(await send()), await send()];
check(got(again).id === first.id, "a message that is sent twice is there once");
check(again.response.headers.get("idempotent-replayed") === "true", "and the second answer says so");
const edited = got(
  await me.PATCH("/messages/{messageId}", { params: { path: { messageId: first.id } }, body: { content: "hello" } }),
);
check(edited.content === "hello", "the text is corrected");
const late = await other.PATCH("/messages/{messageId}", {
  params: { path: { messageId: first.id } },
  body: { content: "hijacked" },
});
check(late.response.status === 403 && late.error?.code === "forbidden", "nobody edits for others");

// To the types a file is a string; it is the form that is sent.
const form = new FormData();
form.append("file", new Blob([Uint8Array.from(atob(PNG), (char) => char.charCodeAt(0))]), "point.png");
const file = got(await me.POST("/attachments", { body: { file: "" }, bodySerializer: () => form }));
check(file.type === "image/png" && file.name === "point.png", "the file is what it is");
got(await me.POST("/messages", { body: { roomId: room.id, content: "a point", attachments: [file.id] } }));

const page = got(await other.GET("/messages", { params: { query: { roomId: room.id, limit: 10 } } }));
check(page.messages.map(({ content }) => content).join() === "a point,hello", "the other one reads both, newest first");
check(page.messages[0]?.attachments?.[0]?.id === file.id, "with the file");
check(page.nextCursor === null, "and there is no more");
const read = await other.GET("/attachments/{attachmentId}", {
  params: { path: { attachmentId: file.id } },
  parseAs: "arrayBuffer",
});
check(new TextDecoder("latin1").decode(got(read)).startsWith("\x89PNG"), "which the other one may read");
console.log("openapi-typescript: a conversation was held");
