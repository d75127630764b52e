import { useState, type FormEvent } from "react";
import type { User } from "@chat/sdk";
import { chat } from "../chat.js";
import { PASSWORD_HINT, passwordFault } from "../format.js";
import { CodeField } from "../ui/CodeField.js";
import { FormError } from "../ui/Field.js";
import { PasswordField } from "../ui/PasswordField.js";
import { useTask } from "../ui/useTask.js";
import { SaveRow, Section } from "./Section.js";

export function PasswordSetting({ user }: { user: User }) {
  const [present, setPresent] = useState("");
  const [next, setNext] = useState("");
  const [code, setCode] = useState("");
  const [saved, setSaved] = useState(false);
  const { busy, error, errors, run, refuse } = useTask(["currentPassword", "newPassword", "code"]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setSaved(false);
    const fault = passwordFault(next);
    if (!present || fault) {
      return refuse({ ...(present ? {} : { currentPassword: "Enter your present password." }), ...(fault ? { newPassword: fault } : {}) });
    }
    if (!(await run(() => chat.account.changePassword(present, next, code.trim() || undefined)))) return;
    setPresent("");
    setNext("");
    setCode("");
    setSaved(true);
  };

  return (
    <Section title="Password" lead="This device stays logged in; all others are logged out, and you get a mail about it.">
      <form className="form" onSubmit={(event) => void submit(event)} noValidate>
        {/* For password managers: whose password it is. */}
        <input type="text" name="username" autoComplete="username" value={user.email} readOnly hidden />
        <PasswordField
          label="Present password"
          name="current-password"
          autoComplete="current-password"
          value={present}
          error={errors.currentPassword}
          onValue={setPresent}
        />
        <PasswordField
          label="New password"
          name="new-password"
          autoComplete="new-password"
          hint={PASSWORD_HINT}
          value={next}
          error={errors.newPassword}
          onValue={setNext}
        />
        {(user.secondFactor || errors.code) && <CodeField value={code} error={errors.code} onValue={setCode} />}
        <FormError text={error} />
        <SaveRow label="Change password" busy={busy} note={saved ? "Your password is changed." : null} />
      </form>
    </Section>
  );
}
