// Finds web addresses in plain text. Only http and https become links.

export interface TextPart {
  text: string;
  href?: string;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+/gi;

export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutTrailingPunctuation(match[0]);
    const href = safeHref(address);
    if (!href) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index) });
    parts.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** "(see https://example.com/a)." links to the page, not to the bracket and the stop. */
function withoutTrailingPunctuation(address: string): string {
  let result = address;
  for (;;) {
    const last = result.at(-1)!;
    const unopened = last === ")" && result.split(")").length > result.split("(").length;
    if (!/[.,;:!?*_~\]]/.test(last) && !unopened) return result;
    result = result.slice(0, -1);
  }
}

function safeHref(address: string): string | null {
  try {
    const url = new URL(address);
    return (url.protocol === "https:" || url.protocol === "http:") && url.hostname ? url.href : null;
  } catch {
    return null;
  }
}
