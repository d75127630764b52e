import { useEffect, useRef, useState, type ClipboardEvent, type FormEvent, type KeyboardEvent } from "react";
import { chat, trayOf, unfinished } from "../chat.js";
import { ACCEPT } from "../files/kinds.js";
import { TrayList, useTray } from "../files/TrayList.js";
import type { TrayItem } from "../files/tray.js";
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
  const picker = useRef<HTMLInputElement>(null);
  const tray = trayOf(roomId);
  const { items } = useTray(tray);
  const waiting = items.filter(({ state }) => state !== "done").length;
  const length = [...text.trim()].length;
  const excess = length - MAX_CHARACTERS;
  const sendable = (length > 0 || items.length > 0) && excess <= 0 && waiting === 0;

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
    if (!sendable) return;
    chat.send(roomId, content, tray.take());
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

  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    // What also has a text is pasted as that: spreadsheets bring a picture of themselves.
    if (files.length === 0 || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    tray.add(files);
  };

  return (
    <form className="composer" onSubmit={send}>
      <TrayList tray={tray} onGone={focusComposer} />
      <div className="composer-box">
        <input
          ref={picker}
          type="file"
          multiple
          accept={ACCEPT}
          hidden
          aria-label="Files"
          onChange={(event) => {
            tray.add([...(event.target.files ?? [])]);
            event.target.value = "";
            ref.current?.focus();
          }}
        />
        <button type="button" className="icon-button clip-button" onClick={() => picker.current!.click()} aria-label="Attach files" title="Attach files">
          <Icon name="clip" />
        </button>
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
          onPaste={onPaste}
        />
        <button type="submit" className="send-button" disabled={!sendable} aria-label="Send message">
          <Icon name="send" />
        </button>
      </div>
      <p id="composer-hint" className={`composer-hint ${length > WARN_CHARACTERS || waiting > 0 ? "" : "composer-hint-idle"}`}>
        {excess > 0 ? (
          <span className="field-error">{count(excess, "character", "characters")} too many. Shorten the message.</span>
        ) : length > WARN_CHARACTERS ? (
          `${count(MAX_CHARACTERS - length, "character", "characters")} left`
        ) : waiting > 0 ? (
          waitingText(items)
        ) : (
          "Enter sends, Shift + Enter starts a new line"
        )}
      </p>
    </form>
  );
}

function waitingText(items: readonly TrayItem[]): string {
  const failed = items.filter(({ state }) => state === "failed").length;
  if (failed > 0) return `${count(failed, "file", "files")} did not go through: try again or remove ${failed === 1 ? "it" : "them"}.`;
  return `Sending waits for ${count(items.filter(({ state }) => state === "uploading").length, "file", "files")}.`;
}

export function focusComposer(): void {
  document.getElementById(COMPOSER_ID)?.focus();
}
