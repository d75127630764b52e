import { describe, expect, it, vi } from "vitest";
import { linkify } from "../src/room/linkify.js";

const links = (text: string) => linkify(text).flatMap((part) => (part.href ? [part.href] : []));

describe("links in messages", () => {
  it("are found amid text, which is kept whole", () => {
    const text = "see https://example.com/a?b=1#c and http://example.org";
    expect(links(text)).toEqual(["https://example.com/a?b=1#c", "http://example.org/"]);
    expect(linkify(text).map((part) => part.text).join("")).toBe(text);
  });

  it("leave the sentence's own punctuation out", () => {
    expect(links("(https://example.com/a).")).toEqual(["https://example.com/a"]);
    expect(links("https://example.com/wiki/Oak_(tree)")).toEqual(["https://example.com/wiki/Oak_(tree)"]);
    expect(links("really https://example.com?!")).toEqual(["https://example.com/"]);
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "ftp://example.com", "https://", "<script>alert(1)</script>"])(
    "are not made of %s",
    (text) => {
      expect(links(text)).toEqual([]);
      expect(linkify(text)).toEqual([{ text }]);
    },
  );

  it("stop at quotes and angle brackets", () => {
    expect(links('<a href="https://example.com/x">')).toEqual(["https://example.com/x"]);
  });

  it.each([
    ["https://a.example/", ")".repeat(7_980)],
    ["https://a.example/(())", ").".repeat(3_980)],
    ["https://a.example/", "?!*)".repeat(1_990)],
  ])("are cut once, whatever somebody put behind %s", (address, behind) => {
    const cuts = [vi.spyOn(String.prototype, "split"), vi.spyOn(String.prototype, "slice")];
    const parts = linkify(address + behind);
    const made = cuts.map((cut) => cut.mock.calls.length);
    for (const cut of cuts) cut.mockRestore();
    expect(parts).toEqual([{ text: address, href: address }, { text: behind }]);
    expect(made).toEqual([0, 2]);
  });
});
