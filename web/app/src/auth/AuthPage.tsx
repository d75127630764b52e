import { useState } from "react";
import { ApiError } from "@chat/sdk";
import { chat } from "../chat.js";
import { explain, fieldErrors, isEmail, PASSWORD_HINT, passwordFault } from "../format.js";
import { Field } from "../ui/Field.js";
import { PasswordField } from "../ui/PasswordField.js";
import { AskForm } from "./AskForm.js";
import { AuthFrame } from "./AuthFrame.js";
import { CodeForm } from "./CodeForm.js";
import { typed } from "./typed.js";

type Mode = "login" | "register";
type FieldErrors = Partial<Record<string, string>>;

export function AuthPage({ mode, invited }: { mode: Mode; invited: boolean }) {
  // Known to be right, but not enough: the account has a second factor.
  const [half, setHalf] = useState<{ email: string; password: string } | null>(null);
  if (mode === "login" && half) {
    return (
      <AuthFrame title="Enter your code" lead="This account has a second factor.">
        <CodeForm
          onCode={(code) => chat.login(half.email, half.password, code)}
          onBack={() => setHalf(null)}
        />
      </AuthFrame>
    );
  }
  return (
    <AuthFrame
      title={mode === "login" ? "Log in" : "Create your account"}
      lead={invited ? "You are invited to a room. It opens as soon as you are in." : "Your conversations, on your own server."}
    >
      {/* A form of its own for each: nothing typed in one shows up in the other. */}
      <AuthForm key={mode} mode={mode} onHalf={(email, password) => setHalf({ email, password })} />
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
    </AuthFrame>
  );
}

interface AuthFormProps {
  mode: Mode;
  onHalf: (email: string, password: string) => void;
}

function AuthForm({ mode, onHalf }: AuthFormProps) {
  const [username, setUsername] = useState("");
  const [email, setEmail] = useState(mode === "login" ? typed.email : "");
  const [password, setPassword] = useState("");
  const [errors, setErrors] = useState<FieldErrors>({});
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const registering = mode === "register";

  const submit = async () => {
    const invalid = validate(mode, username, email, password);
    setErrors(invalid);
    setError(null);
    if (Object.keys(invalid).length > 0) return;
    setBusy(true);
    const address = email.trim();
    try {
      await (registering ? chat.register(username.trim(), address, password) : chat.login(address, password));
      typed.email = "";
    } catch (reason) {
      setBusy(false);
      if (!registering && reason instanceof ApiError && reason.code === "secondFactorRequired") return onHalf(address, password);
      const wrong = fieldErrors(reason);
      setErrors(wrong);
      if (Object.keys(wrong).length === 0) setError(explainAuth(mode, reason));
    }
  };

  return (
    <AskForm
      action={registering ? "Create account" : "Log in"}
      busy={busy}
      error={error}
      onSubmit={submit}
      after={
        !registering && (
          <a className="auth-forgot" href="#/forgot-password" onClick={() => (typed.email = email.trim())}>
            Forgot Password?
          </a>
        )
      }
    >
      {registering && (
        <Field
          label="User name"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          hint="3 to 30 letters, digits, dots, dashes or underscores. Other people see it."
          value={username}
          error={errors.username}
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
        error={errors.email}
        onValue={setEmail}
        autoFocus={!registering}
      />
      <PasswordField
        label="Password"
        name="password"
        autoComplete={registering ? "new-password" : "current-password"}
        hint={registering ? PASSWORD_HINT : undefined}
        value={password}
        error={errors.password}
        onValue={setPassword}
      />
    </AskForm>
  );
}

function validate(mode: Mode, username: string, email: string, password: string): FieldErrors {
  const errors: FieldErrors = {};
  if (mode === "register" && !/^[\p{L}\p{N}_.-]{3,30}$/u.test(username.trim())) {
    errors.username = "Choose 3 to 30 letters, digits, dots, dashes or underscores.";
  }
  if (!isEmail(email.trim())) errors.email = "Enter an e-mail address such as name@example.com.";
  const fault = mode === "register" ? passwordFault(password) : !password && "Enter your password.";
  if (fault) errors.password = fault;
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
