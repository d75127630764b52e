import { Field } from "./Field.js";

interface CodeFieldProps {
  value: string;
  error?: string | undefined;
  autoFocus?: boolean;
  onValue: (value: string) => void;
}

/** A code of the second factor. Recovery codes have letters, so the keyboard is a whole one. */
export function CodeField({ value, error, autoFocus, onValue }: CodeFieldProps) {
  return (
    <Field
      label="Code"
      name="code"
      autoComplete="one-time-code"
      autoCapitalize="none"
      spellCheck={false}
      hint="The 6 digits of your authenticator app, or one of your recovery codes."
      maxLength={64}
      value={value}
      error={error}
      onValue={onValue}
      {...(autoFocus ? { autoFocus } : {})}
    />
  );
}
