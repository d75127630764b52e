import { useState, type FormEvent } from "react";
import { ApiError } from "@chat/sdk";
import { explain } from "../format.js";
import { FormError } from "../ui/Field.js";
import { CodeField } from "../ui/CodeField.js";

interface CodeFormProps {
  onCode: (code: string) => Promise<void>;
  onBack: () => void;
}

/** The second half of logging in. */
export function CodeForm({ onCode, onBack }: CodeFormProps) {
  const [code, setCode] = useState("");
  const [codeError, setCodeError] = useState<string | undefined>();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    setCodeError(code.trim() ? undefined : "Enter the code.");
    if (!code.trim()) return;
    setBusy(true);
    try {
      await onCode(code.trim());
    } catch (reason) {
      setBusy(false);
      if (reason instanceof ApiError && reason.code === "secondFactorInvalid") setCodeError(explain(reason));
      else setError(reason instanceof ApiError && reason.status === 401 ? "Your password was changed meanwhile. Start again." : explain(reason));
    }
  };

  return (
    <form className="form" onSubmit={(event) => void submit(event)} noValidate>
      <CodeField value={code} error={codeError} onValue={setCode} autoFocus />
      <FormError text={error} />
      <button type="submit" className="button primary wide" disabled={busy}>
        {busy ? "One moment…" : "Log in"}
      </button>
      <button type="button" className="button wide" onClick={onBack}>
        Back
      </button>
    </form>
  );
}
