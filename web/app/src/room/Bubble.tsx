import { memo, useState, type KeyboardEvent } from "react";
import type { Delivery, Message, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { Attachments } from "../files/Attachments.js";
import { adviceOn, count, fullDateOf, momentOf, nameOf, timeOf } from "../format.js";
import { Avatar } from "../ui/Avatar.js";
import { Icon } from "../ui/Icon.js";
import type { Deeds } from "./deeds.js";
import { DeliveryMark, sameDelivery } from "./DeliveryMark.js";
import { EditForm } from "./EditForm.js";
import { Markdown } from "./Markdown.js";
import { MessageActions, type Changes } from "./MessageActions.js";
import { Quote } from "./Quote.js";
import { ReactionBar } from "./ReactionBar.js";
import { RichText } from "./RichText.js";
import { isEdited, type BubbleRow } from "./rows.js";

export interface BubbleProps {
  row: BubbleRow;
  roomId: string;
  me: string;
  users: ReadonlyMap<string, User>;
  /** What it answers: null is gone, undefined is being asked for, and false stands above anyway. */
  quoted: Message | null | undefined | false;
  /** How far an own message has come; null where it is not known. */
  delivery: Delivery | null;
  changes: Changes;
  editing: boolean;
  /** The one that Tab leads to; arrows lead on from it. */
  reachable: boolean;
  /** Whose messages are shown only when one asks for them. */
  hidden: ReadonlySet<string>;
  deeds: Deeds;
}

export const Bubble = memo(function Bubble(props: BubbleProps) {
  const [asked, setAsked] = useState(false);
  if (props.hidden.has(props.row.authorId) && !props.row.own && !props.row.message?.deletedAt && !asked) {
    return <HiddenBubble {...props} onShow={() => setAsked(true)} />;
  }
  return <OpenBubble {...props} />;
}, isSame);

/** Who wrote it is not said either: that there was something is enough to follow the others. */
function HiddenBubble({ row, reachable, onShow }: BubbleProps & { onShow: () => void }) {
  return (
    <li className="message other first last" data-message-id={row.message?.id} tabIndex={reachable ? 0 : -1} onKeyDown={walk}>
      <div className="message-column">
        <div className="message-line">
          <div className="bubble bubble-deleted">
            <p className="message-text">
              Message of someone you blocked{" "}
              <button type="button" className="button small" onClick={onShow}>
                Show
              </button>
            </p>
          </div>
        </div>
      </div>
    </li>
  );
}

function OpenBubble(props: BubbleProps) {
  const { row, roomId, me, users, quoted, delivery, changes, editing, reachable, hidden, deeds } = props;
  const { message, draft, own } = row;
  const failed = draft?.state === "failed";
  const text = message?.content ?? draft!.content;
  const attachments = message?.attachments ?? draft?.attachments ?? [];
  const replyTo = message?.replyTo ?? draft?.replyTo;
  const deleted = Boolean(message?.deletedAt);
  const author = nameOf(users, row.authorId);
  const edited = () => {
    deeds.edit(null);
    deeds.write();
  };
  const classes = ["message", own ? "own" : "other", row.first && "first", row.last && "last", failed && "failed"];
  return (
    // Focusable by a tap as well, which brings the buttons where nothing can hover.
    <li
      className={classes.filter(Boolean).join(" ")}
      data-message-id={message?.id}
      tabIndex={reachable ? 0 : -1}
      onKeyDown={walk}
    >
      {!own && row.first && <Avatar name={author} id={row.authorId} src={users.get(row.authorId)?.avatar} />}
      <div className="message-column">
        {/* Shown once a run, told once a message: each stands alone to a screen reader. */}
        <p className={own || !row.first ? "visually-hidden" : "message-author"}>{own ? "You" : author}</p>
        {editing && message ? (
          <EditForm message={message} until={changes.until} closed={changes.closed} onDone={edited} />
        ) : (
          <div className="message-line">
            <div className={`bubble ${deleted ? "bubble-deleted" : ""}`}>
              {replyTo && quoted !== false && !deleted && (
                <Quote roomId={roomId} messageId={replyTo} message={quoted} author={quoted ? nameOf(users, quoted.userId) : ""} hidden={Boolean(quoted && hidden.has(quoted.userId))} />
              )}
              <div className="bubble-body">
                {!deleted && attachments.length > 0 && <Attachments attachments={attachments} />}
                {deleted ? (
                  <p className="message-text">{deletedText(message!, users)}</p>
                ) : (
                  text && (
                    <div className="message-text" dir="auto">
                      <Markdown text={text} leaf={(part) => <RichText text={part} me={users.get(me)?.username} />} />
                    </div>
                  )
                )}
                <p className="message-meta">
                  {message?.isPinned && (
                    <span className="message-pinned" role="img" aria-label="Pinned" title="Pinned">
                      <Icon name="pin" />
                    </span>
                  )}
                  {message && isEdited(message) && <span>edited</span>}
                  <time dateTime={row.at} title={fullDateOf(row.at)}>
                    {timeOf(row.at)}
                  </time>
                  {own && !deleted && <DeliveryMark state={message ? "sent" : failed ? "failed" : "sending"} delivery={delivery} />}
                </p>
              </div>
            </div>
            {message && !deleted && <MessageActions message={message} own={own} changes={changes} deeds={deeds} />}
          </div>
        )}
        {message && !deleted && <ReactionBar message={message} users={users} me={me} react={deeds.react} unreact={deeds.unreact} />}
        {message?.thread && deeds.thread && <ThreadLink message={message} onOpen={deeds.thread} />}
        {failed && (
          <div className="message-failure" role="alert">
            <p>Not sent. {draft.error && adviceOn(draft.error.code, draft.error.message)}</p>
            {deeds.retry && (
              <button type="button" className="button small" onClick={() => deeds.retry!(draft.clientMsgId)}>
                Try again
              </button>
            )}
            <button type="button" className="button small" onClick={() => chat.messages.discard(draft.clientMsgId)}>
              Discard
            </button>
          </div>
        )}
      </div>
    </li>
  );
}

// Rows are made anew at each change of the room; most of them say the same.
function isSame(before: BubbleProps, after: BubbleProps): boolean {
  return (
    before.row.message === after.row.message &&
    before.row.draft === after.row.draft &&
    before.row.first === after.row.first &&
    before.row.last === after.row.last &&
    before.users === after.users &&
    before.quoted === after.quoted &&
    sameDelivery(before.delivery, after.delivery) &&
    before.changes.edit === after.changes.edit &&
    before.changes.delete === after.changes.delete &&
    before.changes.until === after.changes.until &&
    before.changes.closed === after.changes.closed &&
    before.editing === after.editing &&
    before.reachable === after.reachable &&
    before.hidden === after.hidden &&
    before.deeds === after.deeds
  );
}

const STEPS: Record<string, "previousElementSibling" | "nextElementSibling"> = {
  ArrowUp: "previousElementSibling",
  ArrowDown: "nextElementSibling",
};

/** From message to message, while the focus is on one itself. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = STEPS[event.key];
  if (!step || event.target !== event.currentTarget) return;
  let next = event.currentTarget[step];
  while (next && !next.matches(".message")) next = next[step];
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}

function deletedText({ by, reason, userId }: Message, users: ReadonlyMap<string, User>): string {
  if (!by || by === userId) return "message deleted";
  return `message deleted by ${nameOf(users, by)}${reason ? `: ${reason}` : ""}`;
}

function ThreadLink({ message, onOpen }: { message: Message; onOpen: (rootId: string) => void }) {
  const { replies, lastReplyAt, unread } = message.thread!;
  return (
    <button type="button" className="thread-link" onClick={() => onOpen(message.id)}>
      <Icon name="thread" />
      <span>{count(replies, "reply", "replies")}</span>
      <span className="muted">last {momentOf(lastReplyAt)}</span>
      {unread > 0 && <span className="badge">{`${unread} new`}</span>}
    </button>
  );
}
