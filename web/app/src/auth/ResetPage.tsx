import { useEffect, useState, type FormEvent } from "react";
import { chat } from "../chat.js";
import { explain, fieldErrors, PASSWORD_HINT, passwordFault } from "../format.js";
import { dropToken } from "../router.js";
import { FormError } from "../ui/Field.js";
import { PasswordField } from "../ui/PasswordField.js";
import { AuthFrame } from "./AuthFrame.js";

/** Behind the link of a forgotten password. The link is used up only when the password is taken. */
export function ResetPage({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [passwordError, setPasswordError] = useState<string | undefined>();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [end, setEnd] = useState<"done" | "bad" | null>(null);

  // Another link may be opened in the same tab.
  useEffect(() => {
    if (token) setEnd(null);
  }, [token]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const fault = passwordFault(password);
    setPasswordError(fault);
    setError(null);
    if (fault) return;
    setBusy(true);
    try {
      await chat.account.resetPassword(token, password);
      dropToken("reset-password");
      setEnd("done");
    } catch (reason) {
      const wrong = fieldErrors(reason);
      if (wrong.token) setEnd("bad");
      else if (wrong.password) setPasswordError(wrong.password);
      else setError(explain(reason));
    }
    setBusy(false);
  };

  if (end === "done") {
    return (
      <AuthFrame title="Your password is changed">
        <div className="outcome" role="status">
          <p>You are logged out everywhere. Log in with the new password now.</p>
        </div>
        <a className="button primary wide" href="#/login">
          Log in
        </a>
      </AuthFrame>
    );
  }
  if (end === "bad" || !token) {
    return (
      <AuthFrame title="This link does not work any more">
        <div className="outcome" role="alert">
          <p>A link works once, and not for long: this one was used, is too old, or is not whole. Your password is as it was.</p>
        </div>
        <a className="button primary wide" href="#/forgot-password">
          Mail me another link
        </a>
        <p className="auth-switch">
          <a href="#/login">Back to logging in</a>
        </p>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Choose a new password" lead="You will be logged out everywhere else.">
      <form className="form" onSubmit={(event) => void submit(event)} noValidate>
        <PasswordField
          label="New password"
          name="password"
          autoComplete="new-password"
          hint={PASSWORD_HINT}
          value={password}
          error={passwordError}
          onValue={setPassword}
          autoFocus
        />
        <FormError text={error} />
        <button type="submit" className="button primary wide" disabled={busy}>
          {busy ? "One moment…" : "Set the password"}
        </button>
      </form>
    </AuthFrame>
  );
}
