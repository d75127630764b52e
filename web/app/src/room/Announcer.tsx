import { useEffect, useRef, useState } from "react";
import type { Message, User } from "@chat/sdk";
import { count, nameOf } from "../format.js";
import type { Row } from "./rows.js";

interface AnnouncerProps {
  rows: readonly Row[];
  users: ReadonlyMap<string, User>;
  /** Whom one does not want to hear. */
  hidden: ReadonlySet<string>;
  loaded: boolean;
}

/** The same words twice are two: only what is put in anew is read. */
const KEPT = 2;

function spoken({ content, attachments = [] }: Message): string {
  const files = attachments.length > 0 ? count(attachments.length, "file", "files") : "";
  return [content, files].filter(Boolean).join(", ");
}

/**
 * Reads new messages of others aloud. The list itself is not a live region:
 * older pages coming in above would be read as well.
 */
export function Announcer({ rows, users, hidden, loaded }: AnnouncerProps) {
  const [said, setSaid] = useState<readonly { turn: number; text: string }[]>([]);
  const heard = useRef<number | null>(null);

  useEffect(() => {
    if (!loaded) {
      heard.current = null;
      return;
    }
    const messages = rows.flatMap((row) => (row.kind === "bubble" && row.message ? [row] : []));
    const newest = messages.at(-1)?.message?.seq ?? 0;
    const since = heard.current;
    heard.current = Math.max(since ?? 0, newest);
    if (since === null) return;
    const news = messages.filter((row) => row.message!.seq > since && !row.own && !row.message!.deletedAt && !hidden.has(row.authorId));
    if (news.length === 0) return;
    const text = news.length > 3 ? `${news.length} new messages` : news.map((row) => `${nameOf(users, row.authorId)}: ${spoken(row.message!)}`).join(". ");
    setSaid((before) => [...before, { turn: (before.at(-1)?.turn ?? 0) + 1, text }].slice(-KEPT));
  }, [rows, users, hidden, loaded]);

  return (
    <div className="visually-hidden" role="log" aria-live="polite" aria-label="New messages">
      {said.map(({ turn, text }) => (
        <p key={turn}>{text}</p>
      ))}
    </div>
  );
}
