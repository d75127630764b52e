import { useCallback, useRef, useState } from "react";
import type { Message } from "@chat/sdk";
import { Icon } from "../ui/Icon.js";
import { MenuButton, type Choice } from "../ui/MenuButton.js";
import type { Deeds } from "./deeds.js";
import { MAX_KINDS } from "./emoji.js";
import { EmojiPicker } from "./EmojiPicker.js";
import { TimeLeft } from "./TimeLeft.js";

export interface Changes {
  edit: boolean;
  delete: boolean;
  /** Until when an own message can be changed; undefined where that has no end. */
  until: number | undefined;
  /** Why it can be changed no more. */
  closed: string | null;
}

interface MessageActionsProps {
  message: Message;
  own: boolean;
  changes: Changes;
  deeds: Deeds;
}

export function MessageActions({ message, own, changes, deeds }: MessageActionsProps) {
  const [picking, setPicking] = useState(false);
  const smile = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => setPicking(false), []);
  const { react, reply } = deeds;
  const isFull = (message.reactions?.length ?? 0) >= MAX_KINDS;
  return (
    <div className="message-actions">
      {react && !isFull && (
        <button
          ref={smile}
          type="button"
          className="icon-button"
          aria-haspopup="dialog"
          aria-expanded={picking}
          onClick={() => setPicking(!picking)}
          aria-label="React"
          title="React"
        >
          <Icon name="smile" />
        </button>
      )}
      {picking && react && <EmojiPicker anchor={smile.current!} onPick={(emoji) => react(message, emoji)} onClose={close} />}
      {reply && (
        <button type="button" className="icon-button" onClick={() => reply(message)} aria-label="Reply" title="Reply">
          <Icon name="reply" />
        </button>
      )}
      <MenuButton label="More to do with this message" title="More" choices={choicesFor(message, own, changes, deeds)} />
    </div>
  );
}

function choicesFor(message: Message, own: boolean, changes: Changes, deeds: Deeds): Choice[] {
  const { thread, pin } = deeds;
  const note = changes.until && <TimeLeft until={changes.until} />;
  const choices: Choice[] = [];
  if (thread) choices.push({ label: "Open thread", icon: "thread", act: () => thread(message.threadRoot ?? message.id) });
  choices.push({ label: "Copy link", icon: "link", act: () => deeds.copyLink(message) });
  if (pin) choices.push({ label: message.isPinned ? "Unpin" : "Pin", icon: "pin", act: () => pin(message) });
  if (changes.edit) choices.push({ label: "Edit message", icon: "pencil", note, act: () => deeds.edit(message.id) });
  if (!own) choices.push({ label: "Report", icon: "flag", act: () => deeds.report(message) });
  if (changes.delete) {
    choices.push({ label: "Delete message", icon: "trash", note, danger: true, act: () => deeds.delete(message) });
  }
  return choices;
}
