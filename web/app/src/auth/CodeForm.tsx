import { useState } from "react";
import { ApiError } from "@chat/sdk";
import { explain } from "../format.js";
import { CodeField } from "../ui/CodeField.js";
import { AskForm } from "./AskForm.js";

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

  const submit = async () => {
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
    <AskForm
      action="Log in"
      busy={busy}
      error={error}
      onSubmit={submit}
      after={
        <button type="button" className="button wide" onClick={onBack}>
          Back
        </button>
      }
    >
      <CodeField value={code} error={codeError} onValue={setCode} autoFocus />
    </AskForm>
  );
}
