import { useState, type FormEvent } from "react";
import type { Message } from "@chat/sdk";
import { chat } from "../chat.js";
import { Dialog } from "../ui/Dialog.js";
import { Field, FormError } from "../ui/Field.js";
import { useTask } from "../ui/useTask.js";

interface DeleteDialogProps {
  message: Message;
  own: boolean;
  onClose: () => void;
  returnFocus: () => void;
}

/** Whoever deletes another's message may say why: it stands in the message's place. */
export function DeleteDialog({ message, own, onClose, returnFocus }: DeleteDialogProps) {
  const [reason, setReason] = useState("");
  const { busy, error, errors, run } = useTask(["reason"]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await run(() => chat.messages.delete(message, reason.trim()))) onClose();
  };
  return (
    <Dialog title="Delete this message?" onClose={onClose} returnFocus={returnFocus}>
      <form className="form" onSubmit={(event) => void submit(event)}>
        <p className="dialog-text">Its text disappears for everybody. This cannot be undone.</p>
        {!own && (
          <Field
            label="Reason"
            name="reason"
            autoComplete="off"
            hint="Optional. Everybody in the room can read it."
            maxLength={500}
            value={reason}
            error={errors.reason}
            onValue={setReason}
          />
        )}
        <FormError text={error} />
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose} data-autofocus>
            Cancel
          </button>
          <button type="submit" className="button danger" disabled={busy}>
            Delete
          </button>
        </div>
      </form>
    </Dialog>
  );
}
