import { useState, type FormEvent } from "react";
import { Popover } from "../ui/Popover.js";
import { emojiIn, FREQUENT } from "./emoji.js";

interface EmojiPickerProps {
  anchor: HTMLElement;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

/** The frequent ones by a key each; any other is typed, as each system has its own way to. */
export function EmojiPicker({ anchor, onPick, onClose }: EmojiPickerProps) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const pick = (emoji: string) => {
    onClose();
    anchor.focus();
    onPick(emoji);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const emoji = emojiIn(text);
    if (emoji) pick(emoji);
    else setWrong(true);
  };
  return (
    <Popover anchor={anchor} label="React with" onClose={onClose}>
      <div className="emoji-grid">
        {FREQUENT.map(([emoji, name]) => (
          <button key={emoji} type="button" className="emoji-choice" aria-label={name} title={name} onClick={() => pick(emoji)}>
            {emoji}
          </button>
        ))}
      </div>
      <form className="emoji-other" onSubmit={submit}>
        <label>
          <span>Any other</span>
          <input
            value={text}
            autoComplete="off"
            spellCheck={false}
            aria-invalid={wrong || undefined}
            aria-describedby={wrong ? "emoji-wrong" : undefined}
            onChange={(event) => {
              setText(event.target.value);
              setWrong(false);
            }}
          />
        </label>
        <button type="submit" className="button small">
          React
        </button>
        {wrong && (
          <p id="emoji-wrong" className="field-error" role="alert">
            Enter one emoji.
          </p>
        )}
      </form>
    </Popover>
  );
}
