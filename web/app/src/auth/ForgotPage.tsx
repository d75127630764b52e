import { useState, type FormEvent } from "react";
import { chat, useChat } from "../chat.js";
import { explain, fieldErrors, isEmail } from "../format.js";
import { Field, FormError } from "../ui/Field.js";
import { AuthFrame } from "./AuthFrame.js";
import { typed } from "./typed.js";

export function ForgotPage() {
  const user = useChat("me", () => chat.currentUser);
  const [email, setEmail] = useState(user?.email ?? typed.email);
  const [emailError, setEmailError] = useState<string | undefined>();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [sentTo, setSentTo] = useState<string | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const address = email.trim();
    setError(null);
    setEmailError(isEmail(address) ? undefined : "Enter an e-mail address such as name@example.com.");
    if (!isEmail(address)) return;
    setBusy(true);
    try {
      await chat.account.forgotPassword(address);
      typed.email = address;
      setSentTo(address);
    } catch (reason) {
      const wrong = fieldErrors(reason).email;
      if (wrong) setEmailError(wrong);
      else setError(explain(reason));
    }
    setBusy(false);
  };

  const back = (
    <p className="auth-switch">
      <a href={user ? "#/rooms" : "#/login"}>{user ? "Back to your rooms" : "Back to logging in"}</a>
    </p>
  );
  if (sentTo !== null) {
    return (
      <AuthFrame title="Look into your mail">
        <div className="outcome" role="status">
          <p>
            If an account has the address <strong>{sentTo}</strong>, a mail with a link is on its way to it. Nobody is told
            whether there is one.
          </p>
          <p className="muted">
            It may take a minute. Look among the unwanted mail as well. The link works once, and not for long.
          </p>
        </div>
        <button type="button" className="button wide" onClick={() => setSentTo(null)}>
          Send it again
        </button>
        {back}
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Forgot password" lead="You get a link by mail, and choose a new password with it.">
      <form className="form" onSubmit={(event) => void submit(event)} noValidate>
        <Field
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          value={email}
          error={emailError}
          onValue={setEmail}
          autoFocus
        />
        <FormError text={error} />
        <button type="submit" className="button primary wide" disabled={busy}>
          {busy ? "One moment…" : "Mail me a link"}
        </button>
      </form>
      {back}
    </AuthFrame>
  );
}
