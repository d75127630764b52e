import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import type { Message } from "@chat/sdk";
import { chat } from "../chat.js";
import { explain, momentOf } from "../format.js";
import { CopyButton } from "../ui/CopyButton.js";
import { FormError } from "../ui/Field.js";
import { TimeLeft } from "./TimeLeft.js";

interface EditFormProps {
  message: Message;
  /** Until when it can be changed; undefined where that has no end, or is over. */
  until: number | undefined;
  /** Why it can be changed no more: what was written stays. */
  closed: string | null;
  onDone: () => void;
}

export function EditForm({ message, until, closed, onDone }: EditFormProps) {
  const [text, setText] = useState(message.content);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const ref = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    const area = ref.current!;
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }, []);
  // With what is to be done below it.
  useEffect(() => {
    ref.current!.form!.scrollIntoView({ block: "nearest" });
  }, [closed]);

  const save = async (event?: FormEvent) => {
    event?.preventDefault();
    const content = text.trim();
    if (!content || busy || closed) return;
    if (content === message.content) return onDone();
    setBusy(true);
    setError(null);
    try {
      await chat.messages.edit(message, content);
      // Closed meanwhile: what is open now may be another.
      if (ref.current) onDone();
    } catch (reason) {
      setError(explain(reason));
      setBusy(false);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      // Not for what it stands in: a thread closes by it too.
      event.preventDefault();
      onDone();
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
      <FormError text={closed ? `${closed} Nothing was saved; your text stays here until you close it.` : error} />
      <div className="edit-actions">
        {closed ? (
          <CopyButton text={text} label="Copy the text" />
        ) : (
          <span className="field-hint">
            {until ? (
              <>
                Can be changed until {momentOf(new Date(until).toISOString())}, <TimeLeft until={until} />
              </>
            ) : (
              "Can be changed at any time"
            )}
            <span className="edit-keys"> · Enter saves, Escape cancels</span>
          </span>
        )}
        <button type="button" className="button small" onClick={onDone}>
          {closed ? "Close" : "Cancel"}
        </button>
        {!closed && (
          <button type="submit" className="button small primary" disabled={busy || !text.trim()}>
            Save
          </button>
        )}
      </div>
    </form>
  );
}
