import { useState } from "react";
import { Field, type FieldProps } from "./Field.js";

/** A password that its owner can look at: mistyping unseen is the commonest fault. */
export function PasswordField(props: Omit<FieldProps, "type" | "aside">) {
  const [shown, setShown] = useState(false);
  return (
    <Field
      {...props}
      type={shown ? "text" : "password"}
      autoCapitalize="none"
      spellCheck={false}
      aside={
        <button type="button" className="field-aside" aria-pressed={shown} onClick={() => setShown(!shown)}>
          Show<span className="visually-hidden"> what is typed</span>
        </button>
      }
    />
  );
}
