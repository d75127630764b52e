import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Upload } from "../src/environment.js";
import { HttpClient } from "../src/http.js";
import { TokenStore } from "../src/tokens.js";
import { Transfer } from "../src/transfer.js";
import { problem, World } from "./support.js";

function open() {
  const world = new World().loggedIn();
  world.routes.set("POST /auth/refresh", () => ({ token: "access-1", refreshToken: "refresh-2" }));
  const environment = world.environment();
  const tokens = new TokenStore(environment);
  return { world, transfer: new Transfer(environment, new HttpClient(environment, tokens), tokens) };
}
const FILE = new Blob(["x"], { type: "image/png" });

describe("a file on its way up", () => {
  it("is the field `file`, told how far it is, with fresh tokens where the old ones ended", async () => {
    const { world, transfer } = open();
    world.routes.set("POST /auth/refresh", () => ({ token: "access-2", refreshToken: "refresh-2" }));
    world.routes.set("POST /attachments", ({ body, token }) =>
      token === "access-2" ? Response.json({ id: "f1", name: (body.get("file") as File).name }, { status: 201 }) : problem(401, "unauthorized"),
    );
    const onProgress = vi.fn();
    expect(await transfer.uploadAttachment(FILE, "cat.png", { onProgress })).toEqual({ id: "f1", name: "cat.png" });
    expect(onProgress).toHaveBeenLastCalledWith(1);
  });

  it("that is refused carries the problem; called off, its reason", async () => {
    const { world, transfer } = open();
    world.routes.set("POST /attachments", () => problem(413, "tooLarge"));
    await expect(transfer.uploadAttachment(FILE, "a", {})).rejects.toMatchObject({ code: "tooLarge" });
    const reason = new Error("changed his mind");
    await expect(transfer.uploadAttachment(FILE, "a", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("a file on a line that falls silent", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is given up after two minutes, not while it moves", async () => {
    const world = new World().loggedIn();
    let moved: Upload["onProgress"];
    let signal: AbortSignal | undefined;
    const upload = (upload: Upload) => {
      ({ onProgress: moved, signal } = upload);
      return new Promise<Response>(() => {});
    };
    const environment = { ...world.environment(), upload };
    const tokens = new TokenStore(environment);
    const sent = new Transfer(environment, new HttpClient(environment, tokens), tokens).uploadAttachment(FILE, "a", {});
    const failed = expect(sent).rejects.toMatchObject({ code: "network" });
    for (const share of [0.1, 0.2, 0.3]) {
      await vi.advanceTimersByTimeAsync(119_000);
      moved!(share);
    }
    await vi.advanceTimersByTimeAsync(119_999);
    expect(signal!.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await failed;
    expect(signal!.aborted).toBe(true);
  });

  it("is given up on its way down, too", async () => {
    const { world, transfer } = open();
    world.routes.set("GET /attachments/f1", () => new Promise(() => {}));
    const failed = expect(transfer.loadAttachment("f1", "file")).rejects.toMatchObject({ code: "network" });
    await vi.advanceTimersByTimeAsync(60_000);
    await failed;
  });
});

describe("a file on its way down", () => {
  it("is asked of the API by its id", async () => {
    const { world, transfer } = open();
    world.routes.set("GET /attachments/f%2F1/thumbnail", ({ token }) => new Response(`seen with ${token}`));
    expect(await (await transfer.loadAttachment("f/1", "thumbnail")).text()).toBe("seen with access-1");
  });

  it("that does not come is a network fault", async () => {
    const { world, transfer } = open();
    world.routes.set("GET /attachments/f1", () => Promise.reject(new TypeError("cut")));
    await expect(transfer.loadAttachment("f1", "file")).rejects.toMatchObject({ code: "network", retryable: true });
  });
});
