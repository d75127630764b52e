import { useEffect, useId, useRef, useState, type ClipboardEvent, type FormEvent, type KeyboardEvent } from "react";
import type { Message } from "@chat/sdk";
import { chat, trayOf, unfinished } from "../chat.js";
import { ACCEPT } from "../files/kinds.js";
import { TrayList, useTray } from "../files/TrayList.js";
import type { TrayItem } from "../files/tray.js";
import { count } from "../format.js";
import { Icon } from "../ui/Icon.js";
import { gist } from "./Quote.js";
import type { Hold } from "./useHold.js";

/** The counter appears when it begins to matter. */
const WARN_CHARACTERS = 500;
const COMPOSER_ID = "composer-text";
const REPLY_ID = "composer-reply";

interface ComposerProps {
  /** What is being written, and files on their way, are kept under it. */
  place: string;
  roomId: string;
  label: string;
  hold: Hold | null;
  /** What is answered, always: in a thread. */
  replyTo?: string;
  /** What is answered this time. */
  replying?: { message: Message; author: string } | null;
  editing: boolean;
  onEditLast?: () => void;
  onCancel: () => void;
}

export function Composer({ place, roomId, label, hold, replyTo, replying, editing, onEditLast, onCancel }: ComposerProps) {
  const [text, setText] = useState(() => unfinished.get(place) ?? "");
  const ref = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const hintId = useId();
  const tray = trayOf(place);
  const { items } = useTray(tray);
  const waiting = items.filter(({ state }) => state !== "done").length;
  const length = [...text.trim()].length;
  const left = chat.messages.limits.characters - length;
  const excess = -left;
  const sendable = (length > 0 || items.length > 0) && excess <= 0 && waiting === 0 && !hold?.blocks;

  useEffect(() => {
    // Not on touch screens: the keyboard would cover what one came to read.
    if (matchMedia("(pointer: fine)").matches) ref.current?.focus();
  }, []);
  useEffect(() => {
    if (replying) ref.current?.focus();
  }, [replying]);
  useEffect(() => {
    unfinished.set(place, text);
  }, [place, text]);

  const send = (event?: FormEvent) => {
    event?.preventDefault();
    const content = text.trim();
    if (!sendable) return;
    chat.messages.send(roomId, content, tray.take(), replyTo ?? replying?.message.id);
    setText("");
    if (replying) onCancel();
    ref.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
    else if (event.key === "Escape" && replying) onCancel();
    else if (event.key === "ArrowUp" && text === "" && !editing && onEditLast) {
      event.preventDefault();
      onEditLast();
    }
  };

  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    // What also has a text is pasted as that: spreadsheets bring a picture of themselves.
    if (files.length === 0 || hold?.silent || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    tray.add(files);
  };
  const focusText = () => ref.current?.focus();

  return (
    <form className={`composer ${hold?.silent ? "composer-silent" : ""}`} onSubmit={send}>
      {replying && (
        <div className="reply-bar">
          <Icon name="reply" />
          <p role="status">
            Reply to <strong>{replying.author}</strong>: {gist(replying.message)}
          </p>
          <button
            type="button"
            className="icon-button"
            onClick={() => {
              onCancel();
              focusText();
            }}
            aria-label="Do not reply"
            title="Do not reply"
          >
            <Icon name="close" />
          </button>
        </div>
      )}
      <TrayList tray={tray} onGone={focusText} />
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
            focusText();
          }}
        />
        {!hold?.silent && (
          <button type="button" className="icon-button clip-button" onClick={() => picker.current!.click()} aria-label="Attach files" title="Attach files">
            <Icon name="clip" />
          </button>
        )}
        <textarea
          ref={ref}
          id={replyTo ? REPLY_ID : COMPOSER_ID}
          aria-label={label}
          aria-describedby={hintId}
          placeholder={hold?.silent ? "" : replyTo ? "Reply" : "Write a message"}
          // What was begun stays to be seen.
          readOnly={hold?.silent ?? false}
          value={text}
          rows={Math.min(8, text.split("\n").length)}
          dir="auto"
          enterKeyHint="send"
          onChange={(event) => {
            setText(event.target.value);
            if (!hold?.blocks) chat.composing(roomId, event.target.value);
          }}
          onBlur={() => chat.stoppedComposing(roomId)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <button type="submit" className="send-button" disabled={!sendable} aria-label={replyTo ? "Send reply" : "Send message"}>
          <Icon name="send" />
        </button>
      </div>
      <p id={hintId} aria-live={hold?.silent ? "polite" : "off"} className={`composer-hint ${left < WARN_CHARACTERS || waiting > 0 || hold ? "" : "composer-hint-idle"}`}>
        {excess > 0 ? (
          <span className="field-error">{count(excess, "character", "characters")} too many. Shorten the message.</span>
        ) : hold ? (
          hold.text
        ) : left < WARN_CHARACTERS ? (
          `${count(left, "character", "characters")} left`
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

/** That of the open thread: what is typed there is not for the whole room. */
export function focusReply(): void {
  document.getElementById(REPLY_ID)?.focus();
}
