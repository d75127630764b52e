import type { Message } from "@chat/sdk";
import { count } from "../format.js";
import { messageHref, revisit } from "../router.js";
import { plainText } from "./Markdown.js";

/** A message that changes is another object. */
const known = new WeakMap<Message, string>();

/** A message in one line. */
export function gist(message: Message): string {
  let line = known.get(message);
  if (line === undefined) known.set(message, (line = inOneLine(message)));
  return line;
}

function inOneLine(message: Message): string {
  if (message.deletedAt) return "message deleted";
  const files = message.attachments?.length ?? 0;
  return plainText(message.content) || count(files, "file", "files");
}

interface QuoteProps {
  roomId: string;
  messageId: string;
  /** Null: it cannot be read any more; undefined: it is being asked for. */
  message: Message | null | undefined;
  author: string;
  /** Of somebody whom one blocks. */
  hidden: boolean;
}

/** What a message answers, above it; leads there. */
export function Quote({ roomId, messageId, message, author, hidden }: QuoteProps) {
  if (!message) {
    return <p className="quote quote-gone">{message === null ? "Answers a message that cannot be read any more" : "\u00a0"}</p>;
  }
  if (hidden) return <p className="quote quote-gone">Answers a message of someone you blocked</p>;
  const href = messageHref(roomId, messageId);
  return (
    <a className="quote" href={href} onClick={() => revisit(href)} aria-label={`Answers ${author}: ${gist(message)}`}>
      <strong>{author}</strong> <span>{gist(message)}</span>
    </a>
  );
}
