import { useState, type FormEvent } from "react";
import type { User } from "@chat/sdk";
import { ResendMail } from "../auth/ResendMail.js";
import { chat } from "../chat.js";
import { isEmail } from "../format.js";
import { CodeField } from "../ui/CodeField.js";
import { Field, FormError } from "../ui/Field.js";
import { PasswordField } from "../ui/PasswordField.js";
import { useTask } from "../ui/useTask.js";
import { focusSection, SaveRow, Section } from "./Section.js";

// The same function each time, or it would take the focus at each change.
const focus = (heading: HTMLElement | null) => heading?.focus();

export function EmailSetting({ user }: { user: User }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [asked, setAsked] = useState<string | null>(null);
  const { busy, error, errors, run, refuse } = useTask(["email", "password", "code"]);
  const unconfirmed = user.emailVerified === false;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const address = email.trim();
    if (!isEmail(address) || !password) {
      return refuse({
        ...(isEmail(address) ? {} : { email: "Enter an e-mail address such as name@example.com." }),
        ...(password ? {} : { password: "Enter your password." }),
      });
    }
    if (!(await run(() => chat.account.changeEmail(address, password, code.trim() || undefined)))) return;
    setAsked(address);
    setEmail("");
    setPassword("");
    setCode("");
  };

  const again = ({ currentTarget }: { currentTarget: Element }) => {
    // The button goes with what it stands in.
    focusSection(currentTarget);
    setAsked(null);
  };

  return (
    <Section title="E-mail address">
      <p className="setting-fact">
        <strong>{user.email}</strong>
        {user.emailVerified !== undefined && <span className="tag">{unconfirmed ? "not confirmed" : "confirmed"}</span>}
      </p>
      {unconfirmed && (
        <div className="save-row">
          <ResendMail />
        </div>
      )}
      {asked !== null ? (
        <div className="callout" role="status">
          <h3 tabIndex={-1} ref={focus}>
            {unconfirmed ? "Look into your mail" : "Two mails, one change"}
          </h3>
          {unconfirmed ? (
            <p>
              A link was mailed to <strong>{asked}</strong>. Open it, and the change is made: your present address was never
              confirmed, so it is not asked.
            </p>
          ) : (
            <p>
              A link was mailed to <strong>{asked}</strong> and another one to <strong>{user.email}</strong>. The change is made
              when both were opened, in any order. Until then everything stays as it is.
            </p>
          )}
          <button type="button" className="button small" onClick={again}>
            Ask for another address instead
          </button>
        </div>
      ) : (
        <form className="form" onSubmit={(event) => void submit(event)} noValidate>
          <p className="muted">
            {unconfirmed
              ? "Mistyped? A link is mailed to the right one."
              : "To change it, both addresses have to agree: each is mailed a link, so nobody can take your account by your password alone."}
          </p>
          <Field
            label="New e-mail address"
            name="email"
            type="email"
            autoComplete="email"
            value={email}
            error={errors.email}
            onValue={setEmail}
          />
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
          <SaveRow label={unconfirmed ? "Mail a link" : "Mail both links"} busy={busy} />
        </form>
      )}
    </Section>
  );
}
