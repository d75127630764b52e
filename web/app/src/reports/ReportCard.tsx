import { useRef, useState, type FormEvent } from "react";
import type { Report, ReportAction, Room, User } from "@chat/sdk";
import { momentOf, nameOf } from "../format.js";
import { Attachments } from "../files/Attachments.js";
import { Markdown } from "../room/Markdown.js";
import { RichText } from "../room/RichText.js";
import { messageHref, revisit } from "../router.js";
import { Field } from "../ui/Field.js";

interface ReportCardProps {
  report: Report;
  users: ReadonlyMap<string, User>;
  /** Where it was said, if that can be read; null where one is no member of it. */
  room: Room | null;
  /** Reports of one room need not name it. */
  namesRoom: boolean;
  busy: boolean;
  onResolve: (action: ReportAction, reason?: string) => void;
  /** The message is shown in its place. */
  onLeave: () => void;
}

/** A message, what people say of it, and what is to be done about it. */
export function ReportCard({ report, users, room, namesRoom, busy, onResolve, onLeave }: ReportCardProps) {
  const { message, reporters, status, resolution } = report;
  const [asking, setAsking] = useState(false);
  // Who thinks better of it is where he was.
  const calledOff = useRef(false);
  const callOff = () => {
    calledOff.current = true;
    setAsking(false);
  };
  const deleted = Boolean(message.deletedAt);
  const href = messageHref(message.roomId, message.id);
  return (
    <li className="report">
      <p className="report-head">
        <strong>{nameOf(users, message.userId)}</strong>
        <span className="muted">
          {namesRoom && `${room?.name ?? "A room that you are not in"} · `}
          <time dateTime={message.createdAt}>{momentOf(message.createdAt)}</time>
        </span>
        {room?.role && (
          <a
            href={href}
            onClick={() => {
              onLeave();
              revisit(href);
            }}
          >
            Show in the room
          </a>
        )}
      </p>
      {/* Long ones scroll, so the keyboard must get at them. */}
      <div className="report-message message-text" dir="auto" tabIndex={0} role="group" aria-label="The message">
        {deleted ? <p className="muted">message deleted</p> : <Markdown text={message.content} leaf={(part) => <RichText text={part} me={undefined} />} />}
        {status !== "open" &&
          message.attachments?.map(({ id, name }) => (
            <p key={id} className="muted">
              {name}
            </p>
          ))}
      </div>
      {/* As long as it is open, whoever judges it may look at them. */}
      {status === "open" && message.attachments && message.attachments.length > 0 && <Attachments attachments={message.attachments} />}
      <ul className="report-reasons" aria-label="What is said of it">
        {reporters.map(({ userId, reason, createdAt }) => (
          <li key={userId}>
            {reason}{" "}
            <span className="muted">
              {nameOf(users, userId)}, {momentOf(createdAt)}
            </span>
          </li>
        ))}
      </ul>
      {resolution && <p className="note">{outcomeOf(resolution, users)}</p>}
      {status === "open" && !asking && (
        <div className="save-row">
          <button type="button" className="button small" disabled={busy} onClick={() => onResolve("dismiss")}>
            {deleted ? "Close the report" : "Let it stand"}
          </button>
          {!deleted && (
            <button type="button" className="button small danger" disabled={busy} onClick={() => setAsking(true)} autoFocus={calledOff.current}>
              Delete message
            </button>
          )}
        </div>
      )}
      {asking && <ReasonForm busy={busy} onReason={(reason) => onResolve("delete", reason)} onCancel={callOff} />}
    </li>
  );
}

interface ReasonFormProps {
  busy: boolean;
  onReason: (reason: string) => void;
  onCancel: () => void;
}

function ReasonForm({ busy, onReason, onCancel }: ReasonFormProps) {
  const [reason, setReason] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onReason(reason.trim());
  };
  return (
    <form className="form" onSubmit={submit}>
      <Field
        label="Reason"
        name="reason"
        autoComplete="off"
        hint="Optional. Everybody in the room can read it."
        maxLength={500}
        value={reason}
        onValue={setReason}
        autoFocus
      />
      <div className="save-row">
        <button type="submit" className="button small danger" disabled={busy}>
          Delete for everybody
        </button>
        <button type="button" className="button small" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function outcomeOf({ action, by, reason, createdAt }: NonNullable<Report["resolution"]>, users: ReadonlyMap<string, User>): string {
  const done = action === "delete" ? "Deleted" : "Let stand";
  return `${done} by ${nameOf(users, by)}, ${momentOf(createdAt)}${reason ? `: ${reason}` : ""}`;
}
