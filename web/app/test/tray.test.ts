import { describe, expect, it } from "vitest";
import { ApiError, type Attachment } from "@chat/sdk";
import { explainUpload, objectionTo } from "../src/files/kinds.js";
import { Tray, type TrayPort } from "../src/files/tray.js";

interface Call {
  file: File;
  signal: AbortSignal;
  onProgress: (share: number) => void;
  resolve: (attachment: Attachment) => void;
  reject: (reason: unknown) => void;
}

const MAX_BYTES = 9.5 * 1024 * 1024;
const named = (name: string, type = "image/png", size = 10) => new File([new Uint8Array(size)], name, { type });
const attachment = (id: string): Attachment => ({ id, url: `https://x.example/attachments/${id}`, name: id, type: "image/png", size: 10 });
const refusal = (title: string, status: number, code = title) => new ApiError({ status, code, title, retryable: false });

function open(limits = { files: 10, fileBytes: MAX_BYTES }) {
  const calls: Call[] = [];
  const upload: TrayPort["upload"] = (file, { signal, onProgress }) =>
    new Promise((resolve, reject) => void calls.push({ file, signal, onProgress, resolve, reject }));
  const tray = new Tray({ upload, explain: explainUpload, limits: () => limits });
  const states = () => tray.snapshot().items.map(({ state }) => state);
  return { tray, calls, states };
}

/** Lets promises that are ready run. */
const settled = () => new Promise((wake) => setImmediate(wake));

describe("files on their way into a message", () => {
  it("are uploaded at once, told how far, and taken in their order", async () => {
    const { tray, calls, states } = open();
    tray.add([named("a.png"), named("b.png")]);
    calls[0]!.onProgress(0.5);
    expect(tray.snapshot().items.map(({ progress }) => progress)).toEqual([0.5, 0]);
    calls[1]!.resolve(attachment("b"));
    calls[0]!.resolve(attachment("a"));
    await settled();
    expect(states()).toEqual(["done", "done"]);
    expect(tray.take().map(({ id }) => id)).toEqual(["a", "b"]);
    expect(tray.snapshot().items).toEqual([]);
  });

  it("can be called off, and tried again after a failure", async () => {
    const { tray, calls, states } = open();
    tray.add([named("a.png"), named("b.png")]);
    const [first, second] = tray.snapshot().items;
    tray.remove(first!.key);
    expect(calls[0]!.signal.aborted).toBe(true);
    calls[0]!.reject(calls[0]!.signal.reason);
    calls[1]!.reject(refusal("unsupportedMedia", 415));
    await settled();
    expect(states()).toEqual(["failed"]);
    expect(tray.snapshot().items[0]!.error).toMatch(/^What is in it is no JPEG/);
    expect(explainUpload(refusal("documents with macros are not taken", 415, "unsupportedMedia"))).toBe("Documents with macros are not taken.");
    tray.retry(second!.key);
    expect(states()).toEqual(["uploading"]);
    calls[2]!.resolve(attachment("b"));
    await settled();
    expect(states()).toEqual(["done"]);
  });

  it("that cannot be taken are said before anything is sent", () => {
    const { tray, calls } = open();
    tray.add([named("a.zip", "application/zip"), named("big.pdf", "application/pdf", MAX_BYTES + 1), named("ok.gif", "image/gif")]);
    expect(calls.map(({ file }) => file.name)).toEqual(["ok.gif"]);
    expect(tray.snapshot().objections).toEqual([
      expect.stringMatching(/^a\.zip: This kind of file is not taken/),
      "big.pdf: This file has 9.5 MiB. The limit is 9.5 MiB.",
    ]);
  });

  it("are ten at most", () => {
    const { tray, calls } = open();
    tray.add(Array.from({ length: 9 }, (_, n) => named(`${n}.png`)));
    tray.add([named("x.png"), named("y.png"), named("z.png")]);
    expect(calls).toHaveLength(10);
    expect(tray.snapshot().objections).toEqual(["A message takes 10 files: 2 files were left out."]);
  });

  it("are as many, and as large, as the server says", () => {
    const { tray, calls } = open({ files: 1, fileBytes: 100 });
    tray.add([named("a.png", "image/png", 101), named("b.png", "image/png", 100), named("c.png")]);
    expect(calls.map(({ file }) => file.name)).toEqual(["b.png"]);
    expect(tray.snapshot().objections).toEqual(["a.png: This file has 101 bytes. The limit is 100 bytes.", "A message takes 1 file: 1 file was left out."]);
  });

  it("stop when somebody logs out", () => {
    const { tray, calls } = open();
    tray.add([named("a.png")]);
    tray.clear();
    expect(calls[0]!.signal.aborted).toBe(true);
    expect(tray.snapshot().items).toEqual([]);
  });
});

describe("a file", () => {
  it("is judged by what it calls itself, or by its ending where it does not", () => {
    expect(objectionTo(named("a.JPEG", ""), MAX_BYTES)).toBeNull();
    expect(objectionTo(named("letter.docx", ""), MAX_BYTES)).toBeNull();
    expect(objectionTo(named("page.html", "text/html"), MAX_BYTES)).not.toBeNull();
    expect(objectionTo(named("a.png", "image/png", 0), MAX_BYTES)).toBe("This file is empty.");
  });
});
