import type { FormEvent, ReactNode } from "react";
import { FormError } from "../ui/Field.js";

interface AskFormProps {
  /** What the button says. */
  action: string;
  busy: boolean;
  /** What concerns no single field. */
  error: string | null;
  onSubmit: () => Promise<unknown>;
  /** The fields. */
  children: ReactNode;
  /** What stands below the button. */
  after?: ReactNode;
}

/** What each page asks of somebody who is not logged in: fields, what went wrong, one button. */
export function AskForm({ action, busy, error, onSubmit, children, after }: AskFormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void onSubmit();
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      {children}
      <FormError text={error} />
      <button type="submit" className="button primary wide" disabled={busy}>
        {busy ? "One moment…" : action}
      </button>
      {after}
    </form>
  );
}
