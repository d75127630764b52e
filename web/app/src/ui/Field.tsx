import { useId, type InputHTMLAttributes } from "react";

interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> {
  label: string;
  hint?: string;
  error?: string | undefined;
  onValue: (value: string) => void;
}

export function Field({ label, hint, error, onValue, ...input }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={note ? noteId : undefined}
        onChange={(event) => onValue(event.target.value)}
      />
      {note && (
        <p id={noteId} className={error ? "field-error" : "field-hint"}>
          {note}
        </p>
      )}
    </div>
  );
}

/** Always in the page, so that screen readers notice when it fills. */
export function FormError({ text }: { text: string | null }) {
  return (
    <p className="form-error" role="alert" hidden={!text}>
      {text}
    </p>
  );
}
