import { memo } from "react";
import type { Delivery, Message } from "@chat/sdk";
import { chat } from "../chat.js";
import { Attachments } from "../files/Attachments.js";
import { adviceOn, deliveryText, fullDateOf, timeOf } from "../format.js";
import { Avatar } from "../ui/Avatar.js";
import { Icon } from "../ui/Icon.js";
import { EditForm } from "./EditForm.js";
import { Markdown } from "./Markdown.js";
import { RichText } from "./RichText.js";
import { isEdited, type BubbleRow } from "./rows.js";

interface BubbleProps {
  row: BubbleRow;
  author: string;
  avatar: string | null | undefined;
  /** How far an own message has come; null where it is not known. */
  delivery: Delivery | null;
  changeable: boolean;
  windowMs: number;
  editing: boolean;
  onEdit: (messageId: string | null) => void;
  onDelete: (message: Message) => void;
}

export const Bubble = memo(
  function Bubble({ row, author, avatar, delivery, changeable, windowMs, editing, onEdit, onDelete }: BubbleProps) {
    const { message, draft, own } = row;
    const failed = draft?.state === "failed";
    const text = message?.content ?? draft!.content;
    const attachments = message?.attachments ?? draft?.attachments ?? [];
    const deleted = Boolean(message?.deletedAt);
    const classes = ["message", own ? "own" : "other", row.first && "first", row.last && "last"];
    if (failed) classes.push("failed");
    return (
      // Focusable by a tap, which brings the buttons where nothing can hover.
      <li
        className={classes.filter(Boolean).join(" ")}
        data-message-id={message?.id}
        tabIndex={changeable ? -1 : undefined}
      >
        {!own && row.first && <Avatar name={author} id={row.authorId} src={avatar} />}
        <div className="message-column">
          {/* Shown once a run, told once a message: each stands alone to a screen reader. */}
          <p className={own || !row.first ? "visually-hidden" : "message-author"}>{own ? "You" : author}</p>
          {editing && message ? (
            <EditForm message={message} windowMs={windowMs} onDone={() => onEdit(null)} />
          ) : (
            <div className="message-line">
              <div className={`bubble ${deleted ? "bubble-deleted" : ""}`}>
                {!deleted && attachments.length > 0 && <Attachments attachments={attachments} />}
                {deleted ? (
                  <p className="message-text">message deleted</p>
                ) : (
                  text && <div className="message-text" dir="auto">
                    <Markdown text={text} leaf={(part) => <RichText text={part} />} />
                  </div>
                )}
                <p className="message-meta">
                  {message && isEdited(message) && <span>edited</span>}
                  <time dateTime={row.at} title={fullDateOf(row.at)}>
                    {timeOf(row.at)}
                  </time>
                  {own && !deleted && <DeliveryMark state={message ? "sent" : failed ? "failed" : "sending"} delivery={delivery} />}
                </p>
              </div>
              {changeable && (
                <div className="message-actions">
                  <button type="button" className="icon-button" onClick={() => onEdit(message!.id)} aria-label="Edit message" title="Edit">
                    <Icon name="pencil" />
                  </button>
                  <button type="button" className="icon-button" onClick={() => onDelete(message!)} aria-label="Delete message" title="Delete">
                    <Icon name="trash" />
                  </button>
                </div>
              )}
            </div>
          )}
          {failed && (
            <div className="message-failure" role="alert">
              <p>Not sent. {draft.error && adviceOn(draft.error.code, draft.error.message)}</p>
              <button type="button" className="button small" onClick={() => chat.retrySend(draft.clientMsgId)}>
                Try again
              </button>
              <button type="button" className="button small" onClick={() => chat.discardSend(draft.clientMsgId)}>
                Discard
              </button>
            </div>
          )}
        </div>
      </li>
    );
  },
  // Rows are made anew at each change of the room; most of them say the same.
  (before, after) =>
    before.row.message === after.row.message &&
    before.row.draft === after.row.draft &&
    before.row.first === after.row.first &&
    before.row.last === after.row.last &&
    before.author === after.author &&
    before.avatar === after.avatar &&
    sameDelivery(before.delivery, after.delivery) &&
    before.changeable === after.changeable &&
    before.windowMs === after.windowMs &&
    before.editing === after.editing,
);

const MARKS = {
  sending: { icon: "clock", label: "Sending" },
  sent: { icon: "check", label: "Sent" },
  delivered: { icon: "checks", label: "Delivered" },
  read: { icon: "eye", label: "Read" },
  failed: { icon: "warning", label: "Not sent" },
} as const;

function sameDelivery(a: Delivery | null, b: Delivery | null): boolean {
  if (!a || !b) return a === b;
  return a.state === b.state && a.delivered === b.delivered && a.read === b.read && a.others === b.others;
}

/** The shapes differ as well as the words: none of it is told by colour. */
function DeliveryMark({ state, delivery }: { state: "sending" | "sent" | "failed"; delivery: Delivery | null }) {
  const stored = state === "sent" ? delivery : null;
  const shown = stored?.state ?? state;
  const { icon } = MARKS[shown];
  const label = stored ? deliveryText(stored) : MARKS[shown].label;
  return (
    <span className={`delivery delivery-${shown}`} role="img" aria-label={label} title={label}>
      <Icon name={icon} />
    </span>
  );
}
