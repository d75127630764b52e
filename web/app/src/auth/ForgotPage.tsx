import { useState } from "react";
import { chat, useChat } from "../chat.js";
import { isEmail } from "../format.js";
import { Field } from "../ui/Field.js";
import { useTask } from "../ui/useTask.js";
import { AskForm } from "./AskForm.js";
import { AuthFrame } from "./AuthFrame.js";
import { typed } from "./typed.js";

export function ForgotPage() {
  const user = useChat("me", () => chat.currentUser);
  const [email, setEmail] = useState(user?.email ?? typed.email);
  const [sentTo, setSentTo] = useState<string | null>(null);
  const { busy, error, errors, run, refuse } = useTask(["email"]);

  const submit = async () => {
    const address = email.trim();
    if (!isEmail(address)) return refuse({ email: "Enter an e-mail address such as name@example.com." });
    if (!(await run(() => chat.account.forgotPassword(address)))) return;
    typed.email = address;
    setSentTo(address);
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
      <AskForm action="Mail me a link" busy={busy} error={error} onSubmit={submit}>
        <Field
          label="E-mail address"
          name="email"
          type="email"
          autoComplete="username"
          value={email}
          error={errors.email}
          onValue={setEmail}
          autoFocus
        />
      </AskForm>
      {back}
    </AuthFrame>
  );
}
