import { useState } from "react";
import { explain } from "../format.js";
import { Dialog } from "./Dialog.js";
import { FormError } from "./Field.js";

interface ConfirmDialogProps {
  title: string;
  text: string;
  action: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
  returnFocus?: () => void;
}

export function ConfirmDialog({ title, text, action, onConfirm, onClose, returnFocus }: ConfirmDialogProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const confirm = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (reason) {
      setError(explain(reason));
      setBusy(false);
    }
  };

  return (
    <Dialog title={title} onClose={onClose} returnFocus={returnFocus}>
      <p className="dialog-text">{text}</p>
      <FormError text={error} />
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose} data-autofocus>
          Cancel
        </button>
        <button type="button" className="button danger" onClick={() => void confirm()} disabled={busy}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
