import { useEffect, useState } from "react";
import { chat } from "../chat.js";
import { PASSWORD_HINT, passwordFault } from "../format.js";
import { dropToken } from "../router.js";
import { PasswordField } from "../ui/PasswordField.js";
import { useTask } from "../ui/useTask.js";
import { AskForm } from "./AskForm.js";
import { AuthFrame } from "./AuthFrame.js";

/** Behind the link of a forgotten password. The link is used up only when the password is taken. */
export function ResetPage({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [done, setDone] = useState(false);
  const { busy, error, errors, run, refuse } = useTask(["token", "password"]);

  // Another link may be opened in the same tab.
  useEffect(() => {
    if (!token) return;
    setDone(false);
    refuse({});
  }, [token]);

  const submit = async () => {
    const fault = passwordFault(password);
    if (fault) return refuse({ password: fault });
    if (!(await run(() => chat.account.resetPassword(token, password)))) return;
    dropToken("reset-password");
    setDone(true);
  };

  if (done) {
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
  if (errors.token || !token) {
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
      <AskForm action="Set the password" busy={busy} error={error} onSubmit={submit}>
        <PasswordField
          label="New password"
          name="password"
          autoComplete="new-password"
          hint={PASSWORD_HINT}
          value={password}
          error={errors.password}
          onValue={setPassword}
          autoFocus
        />
      </AskForm>
    </AuthFrame>
  );
}
