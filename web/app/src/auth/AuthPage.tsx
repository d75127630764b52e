import { useEffect, useState, type FormEvent } from "react";
import { ApiError } from "@chat/sdk";
import { chat } from "../chat.js";
import { explain, sentence } from "../format.js";
import { Field, FormError } from "../ui/Field.js";
import { Icon } from "../ui/Icon.js";

type Mode = "login" | "register";
type FieldErrors = Partial<Record<"username" | "email" | "password", string>>;

export function AuthPage({ mode }: { mode: Mode }) {
  const title = mode === "login" ? "Log in" : "Create your account";
  useEffect(() => {
    document.title = `${title} · Chat`;
  }, [title]);

  return (
    <main className="auth">
      <div className="auth-card">
        <p className="auth-brand">
          <span className="brand-mark">
            <Icon name="bubble" />
          </span>
          Chat
        </p>
        <div className="auth-title">
          <h1>{title}</h1>
          <p className="muted">Your conversations, on your own server.</p>
        </div>
        {/* A form of its own for each: nothing typed in one shows up in the other. */}
        <AuthForm key={mode} mode={mode} />
        <p className="auth-switch">
          {mode === "login" ? (
            <>
              New here? <a href="#/register">Create an account</a>
            </>
          ) : (
            <>
              You have an account? <a href="#/login">Log in</a>
            </>
          )}
        </p>
      </div>
    </main>
  );
}

function AuthForm({ mode }: { mode: Mode }) {
  const [username, setUsername] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [fieldErrors, setFieldErrors] = useState<FieldErrors>({});
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const registering = mode === "register";

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const invalid = validate(mode, username, email, password);
    setFieldErrors(invalid);
    setError(null);
    if (Object.keys(invalid).length > 0) return;
    setBusy(true);
    try {
      await (registering ? chat.register(username.trim(), email.trim(), password) : chat.login(email.trim(), password));
    } catch (reason) {
      const fields = reason instanceof ApiError ? reason.errors : [];
      setFieldErrors(Object.fromEntries(fields.map(({ field, message }) => [field, sentence(message)])));
      if (fields.length === 0) setError(explainAuth(mode, reason));
      setBusy(false);
    }
  };

  return (
    <form className="form" onSubmit={(event) => void submit(event)} noValidate>
      {registering && (
        <Field
          label="User name"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          hint="3 to 30 letters, digits, dots, dashes or underscores. Other people see it."
          value={username}
          error={fieldErrors.username}
          onValue={setUsername}
          autoFocus
        />
      )}
      <Field
        label="E-mail address"
        name="email"
        type="email"
        autoComplete={registering ? "email" : "username"}
        value={email}
        error={fieldErrors.email}
        onValue={setEmail}
        autoFocus={!registering}
      />
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete={registering ? "new-password" : "current-password"}
        {...(registering ? { hint: "At least 8 characters." } : {})}
        value={password}
        error={fieldErrors.password}
        onValue={setPassword}
      />
      <FormError text={error} />
      <button type="submit" className="button primary wide" disabled={busy}>
        {busy ? "One moment…" : registering ? "Create account" : "Log in"}
      </button>
    </form>
  );
}

function validate(mode: Mode, username: string, email: string, password: string): FieldErrors {
  const errors: FieldErrors = {};
  if (mode === "register" && !/^[\p{L}\p{N}_.-]{3,30}$/u.test(username.trim())) {
    errors.username = "Choose 3 to 30 letters, digits, dots, dashes or underscores.";
  }
  if (!/^\S+@\S+\.\S+$/.test(email.trim())) errors.email = "Enter an e-mail address such as name@example.com.";
  if (mode === "register" && password.length < 8) errors.password = "Choose a password of at least 8 characters.";
  else if (!password) errors.password = "Enter your password.";
  return errors;
}

function explainAuth(mode: Mode, reason: unknown): string {
  const status = reason instanceof ApiError ? reason.status : 0;
  if (mode === "login" && status === 401) return "The e-mail address or the password is wrong.";
  if (mode === "register" && status === 409) {
    return "This user name or e-mail address is taken. Choose another one, or log in.";
  }
  return explain(reason);
}
