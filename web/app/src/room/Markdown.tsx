import { Lexer, type Token, type Tokens } from "marked";
import { Fragment, useMemo, type ReactNode } from "react";

/** How deep quotes, lists and emphasis may stand in one another; what is deeper stays as it was typed. */
const DEEPEST = 6;

/** Whether anything in a text could be more than text. Most messages are spared the parser. */
const MARKS = /[*_~`\\]|^ {0,3}(?:>|[-+] |\d{1,9}[.)] )/m;

/** What stays text is rendered by `leaf`: addresses and names in it. */
type Leaf = (text: string) => ReactNode;

/**
 * A message's text with the part of Markdown that docs/reference/markdown.md names. Everything else stays
 * as it was typed: there are no pictures, no HTML, and no links that hide where they lead.
 */
export function Markdown({ text, leaf }: { text: string; leaf: Leaf }) {
  // The page draws a message again whenever somebody's name or picture changes; its text is the same.
  const tokens = useMemo(() => parsed(text), [text]);
  return blocks(tokens, leaf, 0);
}

/** In one line, without the signs that only say how it looks. */
export const plainText = (text: string) => flat(parsed(text), 0).replace(/\s+/g, " ").trim();

function flat(tokens: Token[], depth: number): string {
  return tokens.map((token) => (depth >= DEEPEST ? token.raw : flatToken(token, depth + 1))).join("");
}

function flatToken(token: Token, depth: number): string {
  switch (token.type) {
    case "paragraph":
    case "blockquote":
      return `${flat(token.tokens ?? [], depth)}\n`;
    case "list":
      return (token as Tokens.List).items.map((item) => `${flat(item.tokens, depth)}\n`).join("");
    case "code":
      return token.codeBlockStyle === "indented" ? token.raw : `${token.text}\n`;
    case "strong":
    case "em":
    case "del":
      return flat(token.tokens ?? [], depth);
    case "text":
      return "tokens" in token && token.tokens ? flat(token.tokens, depth) : token.raw;
    case "codespan":
    case "escape":
      return token.text;
    case "br":
      return "\n";
    default:
      return token.raw;
  }
}

function parsed(text: string): Token[] {
  const plain: Token[] = [{ type: "paragraph", raw: text, text, tokens: [{ type: "text", raw: text, text }] }];
  if (!MARKS.test(text)) return plain;
  try {
    return new Lexer({ gfm: true }).lex(text);
  } catch {
    // Thousands of quotes in one another are more than the parser's stack takes.
    return plain;
  }
}

function blocks(tokens: Token[], leaf: Leaf, depth: number): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{block(token, leaf, depth)}</Fragment>);
}

function block(token: Token, leaf: Leaf, depth: number): ReactNode {
  const asTyped = () => <p>{leaf(withoutLastBreaks(token.raw))}</p>;
  if (depth >= DEEPEST) return asTyped();
  switch (token.type) {
    case "space":
      return null;
    case "paragraph":
      return <p>{inlines(token.tokens ?? [], leaf, depth)}</p>;
    case "text":
      return inlines(token.tokens ?? [token], leaf, depth);
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [], leaf, depth + 1)}</blockquote>;
    case "code":
      // What is only indented is no code: people paste such text.
      return token.codeBlockStyle === "indented" ? asTyped() : (
        <pre tabIndex={0}>
          <code>{token.text}</code>
        </pre>
      );
    case "list": {
      const list = token as Tokens.List;
      const items = list.items.map((item, index) => <li key={index}>{blocks(item.tokens, leaf, depth + 1)}</li>);
      return list.ordered ? <ol start={list.start === "" ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
    }
    default:
      return asTyped();
  }
}

/** By hand: a pattern would look through every run of breaks anew from each of its breaks. */
function withoutLastBreaks(text: string): string {
  let end = text.length;
  while (text[end - 1] === "\n") end--;
  return text.slice(0, end);
}

function inlines(tokens: Token[], leaf: Leaf, depth: number): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{inline(token, leaf, depth)}</Fragment>);
}

function inline(token: Token, leaf: Leaf, depth: number): ReactNode {
  if (depth >= DEEPEST) return leaf(token.raw);
  const within = () => inlines("tokens" in token && token.tokens ? token.tokens : [], leaf, depth + 1);
  switch (token.type) {
    case "strong":
      return <strong>{within()}</strong>;
    case "em":
      return <em>{within()}</em>;
    case "del":
      return <del>{within()}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "escape":
      return token.text;
    case "br":
      return "\n";
    default:
      return leaf(token.raw);
  }
}
