import type { Message } from "@chat/sdk";
import { count } from "../format.js";
import { messageHref } from "../router.js";

/** A message in one line. */
export function gist(message: Message): string {
  if (message.deletedAt) return "message deleted";
  const files = message.attachments?.length ?? 0;
  return message.content.replace(/\s+/g, " ") || count(files, "file", "files");
}

interface QuoteProps {
  roomId: string;
  messageId: string;
  /** Null: it cannot be read any more; undefined: it is being asked for. */
  message: Message | null | undefined;
  author: string;
  onJump: (messageId: string) => void;
}

/** What a message answers, above it; leads there. */
export function Quote({ roomId, messageId, message, author, onJump }: QuoteProps) {
  if (!message) {
    return <p className="quote quote-gone">{message === null ? "Answers a message that cannot be read any more" : "\u00a0"}</p>;
  }
  return (
    <a
      className="quote"
      href={messageHref(roomId, messageId)}
      // The same address a second time is no news to the browser.
      onClick={() => onJump(messageId)}
      aria-label={`Answers ${author}: ${gist(message)}`}
    >
      <strong>{author}</strong> <span>{gist(message)}</span>
    </a>
  );
}
