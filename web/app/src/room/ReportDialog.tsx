import { useState } from "react";
import type { Message, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { nameOf } from "../format.js";
import { Field } from "../ui/Field.js";
import { FormDialog } from "../ui/FormDialog.js";
import { useTask } from "../ui/useTask.js";
import { gist } from "./Quote.js";

interface ReportDialogProps {
  message: Message;
  users: ReadonlyMap<string, User>;
  /** When it is reported. */
  onSaid: (text: string) => void;
  onClose: () => void;
  returnFocus: () => void;
}

export function ReportDialog({ message, users, onSaid, onClose, returnFocus }: ReportDialogProps) {
  const [reason, setReason] = useState("");
  const { busy, error, errors, run, refuse } = useTask(["reason"]);
  const submit = async () => {
    const text = reason.trim();
    if (!text) return refuse({ reason: "Say what is wrong with it." });
    if (!(await run(() => chat.api.report(message.id, text)))) return;
    onClose();
    onSaid("It is reported. Who looks after the room decides what happens to it.");
  };
  return (
    <FormDialog
      title="Report this message"
      action="Report"
      danger
      busy={busy}
      error={error}
      onSubmit={() => void submit()}
      onClose={onClose}
      returnFocus={returnFocus}
    >
      <div className="callout">
        <p>
          <strong>{nameOf(users, message.userId)}</strong>: {gist(message)}
        </p>
      </div>
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
    </FormDialog>
  );
}
