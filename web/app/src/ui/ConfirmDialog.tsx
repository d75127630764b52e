import { FormDialog } from "./FormDialog.js";
import { useTask } from "./useTask.js";

interface ConfirmDialogProps {
  title: string;
  text: string;
  action: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
  returnFocus?: () => void;
}

export function ConfirmDialog({ title, text, action, onConfirm, onClose, returnFocus }: ConfirmDialogProps) {
  const { busy, error, run } = useTask();
  const confirm = async () => {
    if (await run(onConfirm)) onClose();
  };
  return (
    <FormDialog title={title} action={action} danger busy={busy} error={error} onSubmit={() => void confirm()} onClose={onClose} returnFocus={returnFocus}>
      <p className="dialog-text">{text}</p>
    </FormDialog>
  );
}
