import { useState, type FormEvent } from "react";
import type { Farewell, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { navigate } from "../router.js";
import { CodeField } from "../ui/CodeField.js";
import { Dialog } from "../ui/Dialog.js";
import { FormError } from "../ui/Field.js";
import { PasswordField } from "../ui/PasswordField.js";
import { useTask } from "../ui/useTask.js";
import { SaveRow } from "./Section.js";

const CHOICES: [Farewell["messages"], string, string][] = [
  ["keep", "Keep what I wrote", "It stays in the rooms, by “deleted user”, so that answers to it make sense."],
  ["delete", "Delete what I wrote", "Each message becomes “message deleted”, for everybody."],
];

export function DeleteAccountDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [messages, setMessages] = useState<Farewell["messages"]>("keep");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const { busy, error, errors, run, refuse } = useTask(["password", "code"]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!password) return refuse({ password: "Enter your password." });
    const deed = async () => {
      await chat.account.deleteAccount({ password, messages, ...(code.trim() ? { code: code.trim() } : {}) });
      navigate("#/account-closed");
    };
    void run(() => chat.leave(deed));
  };

  return (
    <Dialog title="Delete your account?" onClose={onClose}>
      <p className="dialog-text">
        You are logged out everywhere at once, and leave all rooms. Your user name <strong>{user.username}</strong> is not yours any
        more. Nobody can undo this.
      </p>
      <form className="form" onSubmit={submit} noValidate>
        <fieldset className="choices">
          <legend>Your messages</legend>
          {CHOICES.map(([value, label, hint]) => (
            <label key={value} className="check">
              <input type="radio" name="messages" value={value} checked={messages === value} onChange={() => setMessages(value)} />
              <span>
                <span className="switch-label">{label}</span>
                <span className="field-hint">{hint}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <PasswordField
          label="Your password"
          name="password"
          autoComplete="current-password"
          value={password}
          error={errors.password}
          onValue={setPassword}
        />
        {(user.secondFactor || errors.code) && <CodeField value={code} error={errors.code} onValue={setCode} />}
        <FormError text={error} />
        <SaveRow label="Delete my account" busy={busy} danger onCancel={onClose} />
      </form>
    </Dialog>
  );
}
