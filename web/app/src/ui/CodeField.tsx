import { Field } from "./Field.js";

interface CodeFieldProps {
  value: string;
  error?: string | undefined;
  autoFocus?: boolean;
  hint?: string;
  onValue: (value: string) => void;
}

/** A code of the second factor. Recovery codes have letters, so the keyboard is a whole one. */
export function CodeField({ value, error, autoFocus, hint, onValue }: CodeFieldProps) {
  return (
    <Field
      label="Code"
      name="code"
      autoComplete="one-time-code"
      autoCapitalize="none"
      spellCheck={false}
      hint={hint ?? "The 6 digits of your authenticator app, or one of your recovery codes."}
      maxLength={64}
      value={value}
      error={error}
      onValue={onValue}
      {...(autoFocus ? { autoFocus } : {})}
    />
  );
}
