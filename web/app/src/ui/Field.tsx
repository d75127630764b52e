import { useId, type InputHTMLAttributes, type ReactNode, type Ref } from "react";

export interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  /** A button inside the frame, after the text. */
  aside?: ReactNode;
  inputRef?: Ref<HTMLInputElement>;
  onValue: (value: string) => void;
}

export function Field({ label, hint, error, aside, inputRef, onValue, ...input }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="field-frame">
        <input
          {...input}
          ref={inputRef}
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={note ? noteId : undefined}
          onChange={(event) => onValue(event.target.value)}
        />
        {aside}
      </div>
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
