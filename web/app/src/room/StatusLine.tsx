import { useEffect, useState } from "react";
import type { User } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { nameOf, typingText } from "../format.js";
import type { Notice } from "./useNotice.js";

/** Catching up in less time than this is not worth a word. */
const PATIENCE_MS = 600;

interface StatusLineProps {
  roomId: string;
  users: ReadonlyMap<string, User>;
  catchingUp: boolean;
  /** What happened to something that was just tried. */
  notice: Notice;
}

/** Always there and always one line high, so that nothing moves when it speaks. */
export function StatusLine({ roomId, users, catchingUp, notice }: StatusLineProps) {
  const typing = useChat(`typing:${roomId}`, () => chat.typingUsers(roomId));
  const late = useLate(catchingUp);
  return (
    <p className={`room-status ${notice.text ? "room-notice" : ""}`} role="status" aria-live="polite">
      {notice.text ? <span key={notice.turn}>{notice.text}</span> : late ? "Catching up with what was missed…" : typingText(typing.map((userId) => nameOf(users, userId)))}
    </p>
  );
}

function useLate(active: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (!active) return;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [active]);
  return late;
}
