import { useCallback, useState } from "react";
import type { Report, Room, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { momentOf, nameOf } from "../format.js";
import { Dialog } from "../ui/Dialog.js";
import { FormError } from "../ui/Field.js";
import { Said } from "../ui/Said.js";
import { useLoaded } from "../ui/useLoaded.js";
import { useTask } from "../ui/useTask.js";
import { gist } from "./Quote.js";

interface ReportsDialogProps {
  room: Room;
  users: ReadonlyMap<string, User>;
  onClose: () => void;
}

/** What members of the room complained of, for those who look after it. */
export default function ReportsDialog({ room, users, onClose }: ReportsDialogProps) {
  const { value, error, reload } = useLoaded(useCallback(() => chat.roomActions.reports(room.id), [room.id]));
  const task = useTask();
  const [note, setNote] = useState("");
  const open = value?.filter(({ status }) => status === "open");
  const resolve = async (report: Report, action: "dismiss" | "delete") => {
    setNote("");
    const done = await task.run(async () => {
      await chat.roomActions.resolve(report.id, action);
      await reload();
    });
    if (done) setNote(action === "delete" ? "The message is deleted." : "The message stays.");
  };
  return (
    <Dialog title="Reported messages" onClose={onClose}>
      <FormError text={error ?? task.error} />
      <Said text={note} />
      {!value && !error && (
        <p className="list-note" role="status">
          Loading reports…
        </p>
      )}
      {open?.length === 0 && <p className="list-note">Nobody has reported anything that is still open.</p>}
      <ul className="rows" aria-label="Open reports">
        {open?.map((report) => (
          <li key={report.id} className="row row-wrap row-told">
            <div className="row-text">
              <p className="row-name">{nameOf(users, report.message.userId)}</p>
              <p className="pin-text">{gist(report.message)}</p>
              {report.reporters.map(({ userId, reason, createdAt }) => (
                <p key={userId} className="muted">
                  {nameOf(users, userId)}, {momentOf(createdAt)}: {reason}
                </p>
              ))}
            </div>
            <button type="button" className="button small" disabled={task.busy} onClick={() => void resolve(report, "dismiss")}>
              Let it stand
            </button>
            <button type="button" className="button small danger" disabled={task.busy} onClick={() => void resolve(report, "delete")}>
              Delete message
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
