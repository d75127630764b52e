// @vitest-environment happy-dom
import { render } from "@testing-library/react";
import { Lexer } from "marked";
import { afterEach, describe, expect, it, vi } from "vitest";
import { message } from "../../sdk/test/support.js";
import { Markdown, plainText } from "../src/room/Markdown.js";
import { gist } from "../src/room/Quote.js";
import { RichText } from "../src/room/RichText.js";

afterEach(() => void vi.restoreAllMocks());

/** What a message becomes in the page; texts that are left to others stand in brackets. */
function shown(text: string) {
  return render(<Markdown text={text} leaf={(part) => part} />).container.innerHTML;
}

describe("the Markdown of messages", () => {
  it.each([
    ["just words", "<p>just words</p>"],
    ["**bold**, *slanted*, _slanted_", "<p><strong>bold</strong>, <em>slanted</em>, <em>slanted</em></p>"],
    ["~~gone~~ and `x < y`", "<p><del>gone</del> and <code>x &lt; y</code></p>"],
    ["two\nlines", "<p>two\nlines</p>"],
    ["*two*\nlines", "<p><em>two</em>\nlines</p>"],
    ["> said\n\nyes", "<blockquote><p>said</p></blockquote><p>yes</p>"],
    ["- one\n- *two*", "<ul><li>one</li><li><em>two</em></li></ul>"],
    ["3. three\n4. four", '<ol start="3"><li>three</li><li>four</li></ol>'],
    ["```js\nlet a = **b**;\n```", '<pre tabindex="0"><code>let a = **b**;</code></pre>'],
    ["\\*not slanted\\*", "<p>*not slanted*</p>"],
    ["snake_case_name and 2 * 3 * 4", "<p>snake_case_name and 2 * 3 * 4</p>"],
  ])("of %j", (text, html) => {
    expect(shown(text)).toBe(html);
  });

  it.each([
    "# no *heading",
    "[a *bank](https://evil.example)",
    "![*](https://example.com/a.png)",
    "<img src=x onerror=alert(1)> *",
    "<b>*</b>",
    "words *\n---",
    "    indented *",
    "&lt;b&gt; *",
  ])("leaves %j as it was typed", (text) => {
    const { container } = render(<Markdown text={text} leaf={(part) => part} />);
    expect(container.textContent?.trim()).toBe(text.trim());
    expect(container.querySelector("a, img, b, h1, h2, hr, pre, script")).toBeNull();
  });

  it.each([
    ["**bold** and *slanted*, `x < y`", "bold and slanted, x < y"],
    ["> said\n\n- one\n- *two*\n3. three", "said one two three"],
    ["```js\nlet a = **b**;\n```\nyes", "let a = **b**; yes"],
    ["snake_case\n\\*and* [a *bank](https://evil.example)", "snake_case *and* [a *bank](https://evil.example)"],
    [`${">".repeat(20)} deep`, `${">".repeat(14)} deep`],
  ])("makes one line of %j where a message is only quoted", (text, line) => expect(plainText(text)).toBe(line));

  it("goes six deep, and leaves what is deeper as it was typed", () => {
    const { container } = render(<Markdown text={`${">".repeat(20)} deep`} leaf={(part) => part} />);
    expect(container.querySelectorAll("blockquote").length).toBe(6);
    expect(container.textContent).toContain("> deep");
  });

  it("hands every text on that is no code, so that addresses and names are found in it", () => {
    const parts: string[] = [];
    shown("*see https://example.com/a_b_c* `@alice` @bob");
    render(<Markdown text={"*see https://example.com/a_b_c* `@alice` @bob"} leaf={(part) => (parts.push(part), part)} />);
    expect(parts.join("|")).toContain("https://example.com/a_b_c");
    expect(parts.join("|")).not.toContain("@alice");
    expect(parts.at(-1)).toBe(" @bob");
  });

  it.each([">".repeat(8000), "- ".repeat(4000), "*".repeat(8000), "[".repeat(8000), "`".repeat(8000), "**a ".repeat(2000)])(
    "takes what somebody wrote to break it",
    (text) => {
      const { container } = render(<Markdown text={text} leaf={(part) => part} />);
      expect(container.querySelectorAll("*").length).toBeLessThan(100);
    },
  );

  it("is read once, however often the people around it change", () => {
    const lex = vi.spyOn(Lexer.prototype, "lex");
    const search = vi.spyOn(String.prototype, "matchAll");
    // Another leaf each time, as in a bubble that learns a new name.
    const drawn = () => <Markdown text="see *https://example.com*" leaf={(part) => <RichText text={part} me={undefined} />} />;
    const { rerender } = render(drawn());
    expect([lex.mock.calls.length, search.mock.calls.length]).toEqual([1, 2]);
    for (let n = 0; n < 5; n++) rerender(drawn());
    expect([lex.mock.calls.length, search.mock.calls.length]).toEqual([1, 2]);
    const quoted = message(1, { content: "*so*" });
    expect([gist(quoted), gist(quoted), gist({ ...quoted, content: "*no*" })]).toEqual(["so", "so", "no"]);
    expect(lex).toHaveBeenCalledTimes(3);
  });

  it("looks for the end of a run of empty lines once, not from each of them", () => {
    const patterns = vi.spyOn(RegExp.prototype, Symbol.replace);
    const text = `*a*\n\n    b${"\n".repeat(7_900)}    c`;
    const { container } = render(<Markdown text={text} leaf={(part) => part} />);
    expect(container.textContent).toBe(`a${text.slice(5)}`);
    const looked = patterns.mock.contexts.map((pattern, n) => ({ pattern: (pattern as RegExp).source, length: patterns.mock.calls[n]![0].length }));
    expect(looked.filter(({ pattern, length }) => /[+*]\$$/.test(pattern) && length > 1_000)).toEqual([]);
  });
});
