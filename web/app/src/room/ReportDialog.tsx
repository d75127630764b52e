import { useState, type FormEvent } from "react";
import type { Message, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { nameOf } from "../format.js";
import { Dialog } from "../ui/Dialog.js";
import { Field, FormError } from "../ui/Field.js";
import { useTask } from "../ui/useTask.js";
import { focusComposer } from "./Composer.js";
import { gist } from "./Quote.js";

interface ReportDialogProps {
  message: Message;
  users: ReadonlyMap<string, User>;
  onClose: () => void;
}

export function ReportDialog({ message, users, onClose }: ReportDialogProps) {
  const [reason, setReason] = useState("");
  const [sent, setSent] = useState(false);
  const { busy, error, errors, run, refuse } = useTask(["reason"]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const text = reason.trim();
    if (!text) return refuse({ reason: "Say what is wrong with it." });
    if (await run(() => chat.api.report(message.id, text))) setSent(true);
  };
  return (
    <Dialog title="Report this message" onClose={onClose} returnFocus={focusComposer}>
      <div className="callout">
        <p>
          <strong>{nameOf(users, message.userId)}</strong>: {gist(message)}
        </p>
      </div>
      {sent ? (
        <>
          <p className="dialog-text" role="status">
            It is reported. Who looks after the room decides what happens to it.
          </p>
          <div className="dialog-actions">
            <button type="button" className="button primary" onClick={onClose} autoFocus>
              Done
            </button>
          </div>
        </>
      ) : (
        <form className="form" onSubmit={(event) => void submit(event)} noValidate>
          <Field
            label="What is wrong with it?"
            name="reason"
            autoComplete="off"
            hint="Owners and administrators of the room and moderators of the server read it, with your name."
            maxLength={500}
            value={reason}
            error={errors.reason}
            onValue={setReason}
            data-autofocus
          />
          <FormError text={error} />
          <div className="dialog-actions">
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" className="button danger" disabled={busy}>
              Report
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
