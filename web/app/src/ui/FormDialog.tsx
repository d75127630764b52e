import type { ReactNode } from "react";
import { Dialog } from "./Dialog.js";
import { FormError } from "./Field.js";

interface FormDialogProps {
  title: string;
  /** What the button says that does it. */
  action: string;
  danger?: boolean;
  busy: boolean;
  /** Something is missing that stands before one's eyes. */
  disabled?: boolean;
  error: string | null;
  onSubmit: () => void;
  onClose: () => void;
  returnFocus?: (() => void) | undefined;
  children: ReactNode;
}

/** Asks for something before it is done. Where no field is to be filled first, the focus is on the way out. */
export function FormDialog({ title, action, danger = false, busy, disabled = false, error, onSubmit, onClose, returnFocus, children }: FormDialogProps) {
  return (
    <Dialog title={title} onClose={onClose} returnFocus={returnFocus}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
        noValidate
      >
        {children}
        <FormError text={error} />
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose} data-autofocus>
            Cancel
          </button>
          <button type="submit" className={`button ${danger ? "danger" : "primary"}`} disabled={busy || disabled}>
            {busy ? "One moment…" : action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
