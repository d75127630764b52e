// Whom a text names, as far as a page can tell: for colour, and for which message
// a notice shows. Who is mentioned is decided by the server.

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
const EVERYBODY = "room|here";

/** Each place where somebody of this name, or everybody, is mentioned. */
export function mentionsOf(username: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}@/._-])@(?:${escaped(username)}|${EVERYBODY})(?![\\p{L}\\p{N}_-])`, "giu");
}

export const isMentioned = (text: string, username: string) => mentionsOf(username).test(text.normalize("NFKC"));
