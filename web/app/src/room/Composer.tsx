import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { chat, unfinished } from "../chat.js";
import { count } from "../format.js";
import { Icon } from "../ui/Icon.js";

export const MAX_CHARACTERS = 8_000;
/** The counter appears when it begins to matter. */
const WARN_CHARACTERS = 7_500;
const COMPOSER_ID = "composer-text";

interface ComposerProps {
  roomId: string;
  roomName: string;
  editing: boolean;
  onEditLast: () => void;
}

export function Composer({ roomId, roomName, editing, onEditLast }: ComposerProps) {
  const [text, setText] = useState(() => unfinished.get(roomId) ?? "");
  const ref = useRef<HTMLTextAreaElement>(null);
  const length = [...text.trim()].length;
  const excess = length - MAX_CHARACTERS;

  useEffect(() => {
    // Not on touch screens: the keyboard would cover what one came to read.
    if (matchMedia("(pointer: fine)").matches) ref.current?.focus();
  }, []);
  useEffect(() => {
    unfinished.set(roomId, text);
  }, [roomId, text]);

  const send = (event?: FormEvent) => {
    event?.preventDefault();
    const content = text.trim();
    if (!content || excess > 0) return;
    chat.send(roomId, content);
    setText("");
    ref.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
    else if (event.key === "ArrowUp" && text === "" && !editing) {
      event.preventDefault();
      onEditLast();
    }
  };

  return (
    <form className="composer" onSubmit={send}>
      <div className="composer-box">
        <textarea
          ref={ref}
          id={COMPOSER_ID}
          aria-label={`Message to ${roomName}`}
          aria-describedby="composer-hint"
          placeholder="Write a message"
          value={text}
          rows={Math.min(8, text.split("\n").length)}
          dir="auto"
          enterKeyHint="send"
          onChange={(event) => {
            setText(event.target.value);
            chat.composing(roomId, event.target.value);
          }}
          onBlur={() => chat.stoppedComposing(roomId)}
          onKeyDown={onKeyDown}
        />
        <button type="submit" className="send-button" disabled={length === 0 || excess > 0} aria-label="Send message">
          <Icon name="send" />
        </button>
      </div>
      <p id="composer-hint" className={`composer-hint ${length > WARN_CHARACTERS ? "" : "composer-hint-idle"}`}>
        {excess > 0 ? (
          <span className="field-error">{count(excess, "character", "characters")} too many. Shorten the message.</span>
        ) : length > WARN_CHARACTERS ? (
          `${count(MAX_CHARACTERS - length, "character", "characters")} left`
        ) : (
          "Enter sends, Shift + Enter starts a new line"
        )}
      </p>
    </form>
  );
}

export function focusComposer(): void {
  document.getElementById(COMPOSER_ID)?.focus();
}
