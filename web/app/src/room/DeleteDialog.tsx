import { useState } from "react";
import type { Message } from "@chat/sdk";
import { chat } from "../chat.js";
import { Field } from "../ui/Field.js";
import { FormDialog } from "../ui/FormDialog.js";
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
  const submit = async () => {
    if (await run(() => chat.messages.delete(message, reason.trim()))) onClose();
  };
  return (
    <FormDialog
      title="Delete this message?"
      action="Delete"
      danger
      busy={busy}
      error={error}
      onSubmit={() => void submit()}
      onClose={onClose}
      returnFocus={returnFocus}
    >
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
    </FormDialog>
  );
}
