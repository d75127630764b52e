import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import type { Message } from "@chat/sdk";
import { chat } from "../chat.js";
import { explain, timeOf } from "../format.js";
import { FormError } from "../ui/Field.js";
import { focusComposer } from "./Composer.js";

interface EditFormProps {
  message: Message;
  windowMs: number;
  /** How long it can still be changed; undefined when that is over. */
  left: string | undefined;
  /** Whether it can be changed still, or at any time. */
  open: boolean;
  onDone: () => void;
}

export function EditForm({ message, windowMs, left, open, onDone }: EditFormProps) {
  const [text, setText] = useState(message.content);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const ref = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    const area = ref.current!;
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
    area.scrollIntoView({ block: "nearest" });
  }, []);

  const close = () => {
    onDone();
    focusComposer();
  };
  const save = async (event?: FormEvent) => {
    event?.preventDefault();
    const content = text.trim();
    if (!content || busy) return;
    if (content === message.content) return close();
    setBusy(true);
    setError(null);
    try {
      await chat.messages.edit(message, content);
      close();
    } catch (reason) {
      setError(explain(reason));
      setBusy(false);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      // Not for what it stands in: a thread closes by it too.
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) void save(event);
  };

  return (
    <form className="edit-form" onSubmit={(event) => void save(event)}>
      <textarea
        ref={ref}
        aria-label="Edit message"
        value={text}
        rows={Math.min(8, text.split("\n").length)}
        maxLength={chat.messages.limits.characters}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <FormError text={error} />
      <div className="edit-actions">
        <span className="field-hint">
          {left
            ? `Can be changed until ${timeOf(new Date(Date.parse(message.createdAt) + windowMs).toISOString())}, ${left}`
            : open
              ? "Can be changed at any time"
              : "The time in which it could be changed is over"}
          <span className="edit-keys"> · Enter saves, Escape cancels</span>
        </span>
        <button type="button" className="button small" onClick={close}>
          Cancel
        </button>
        <button type="submit" className="button small primary" disabled={busy || !text.trim()}>
          Save
        </button>
      </div>
    </form>
  );
}
