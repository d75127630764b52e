import { useEffect, useRef, useState, type FormEvent } from "react";
import type { NewSecondFactor, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { CodeField } from "../ui/CodeField.js";
import { CopyButton } from "../ui/CopyButton.js";
import { FormError } from "../ui/Field.js";
import { PasswordField } from "../ui/PasswordField.js";
import { useTask } from "../ui/useTask.js";
import { QrCode } from "./QrCode.js";
import { RecoveryCodes } from "./RecoveryCodes.js";
import { focusSection, SaveRow, Section } from "./Section.js";

type Step =
  | { kind: "rest" }
  | { kind: "password" }
  | { kind: "scan"; factor: NewSecondFactor }
  | { kind: "codes"; codes: readonly string[] }
  | { kind: "renew" }
  | { kind: "remove" };

export function SecondFactor({ user }: { user: User }) {
  const [step, setStep] = useState<Step>({ kind: "rest" });
  const [note, setNote] = useState<string | null>(null);
  const on = user.secondFactor === true;
  const place = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  // What had the focus is gone with the step before.
  useEffect(() => {
    if (step.kind === "rest" && moved.current) focusSection(place.current!);
    moved.current = step.kind !== "rest";
  }, [step.kind]);
  const rest = (said: string | null = null) => {
    setStep({ kind: "rest" });
    setNote(said);
  };

  const begin = async (password: string) => setStep({ kind: "scan", factor: await chat.account.startSecondFactor(password) });
  const confirm = async (code: string) => {
    setStep({ kind: "codes", codes: await chat.account.confirmSecondFactor(code) });
    await chat.refreshMe();
  };
  const renew = async (password: string, code: string) =>
    setStep({ kind: "codes", codes: await chat.account.newRecoveryCodes(password, code) });
  const remove = async (password: string, code: string) => {
    await chat.account.removeSecondFactor(password, code);
    await chat.refreshMe();
    rest("The second factor is off.");
  };

  return (
    <Section
      title="Second factor"
      lead="A code of an app on your phone, asked for after the password: then a stolen password alone lets nobody in."
    >
      {step.kind === "rest" && (
        <div className="form" ref={place}>
          <p className="setting-fact">
            <span className={`tag ${on ? "tag-strong" : ""}`}>{on ? "on" : "off"}</span>
            <span className="note" role="status">
              {note}
            </span>
          </p>
          <div className="save-row">
            {on ? (
              <>
                <button type="button" className="button" onClick={() => setStep({ kind: "renew" })}>
                  New recovery codes
                </button>
                <button type="button" className="button" onClick={() => setStep({ kind: "remove" })}>
                  Turn off
                </button>
              </>
            ) : (
              <button type="button" className="button" onClick={() => setStep({ kind: "password" })}>
                Set up
              </button>
            )}
          </div>
        </div>
      )}
      {step.kind === "password" && <ProofForm action="Continue" onProof={begin} onCancel={() => rest()} />}
      {step.kind === "scan" && <ScanForm factor={step.factor} onCode={confirm} onCancel={() => rest()} />}
      {step.kind === "codes" && (
        <RecoveryCodes codes={step.codes} username={user.username} onDone={() => rest("Your recovery codes are set.")} />
      )}
      {step.kind === "renew" && <ProofForm action="Make new codes" withCode onProof={renew} onCancel={() => rest()} />}
      {step.kind === "remove" && (
        <ProofForm action="Turn the second factor off" withCode danger onProof={remove} onCancel={() => rest()} />
      )}
    </Section>
  );
}

interface ProofFormProps {
  action: string;
  withCode?: boolean;
  danger?: boolean;
  onProof: (password: string, code: string) => Promise<void>;
  onCancel: () => void;
}

/** That it is really the owner who asks. */
function ProofForm({ action, withCode = false, danger = false, onProof, onCancel }: ProofFormProps) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const { busy, error, errors, run, refuse } = useTask(["password", "code"]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!password || (withCode && !code.trim())) {
      return refuse({
        ...(password ? {} : { password: "Enter your password." }),
        ...(withCode && !code.trim() ? { code: "Enter a code." } : {}),
      });
    }
    void run(() => onProof(password, code.trim()));
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <PasswordField
        label="Your password"
        name="password"
        autoComplete="current-password"
        value={password}
        error={errors.password}
        onValue={setPassword}
        autoFocus
      />
      {withCode && <CodeField value={code} error={errors.code} onValue={setCode} />}
      <FormError text={error} />
      <SaveRow label={action} busy={busy} danger={danger} onCancel={onCancel} />
    </form>
  );
}

interface ScanFormProps {
  factor: NewSecondFactor;
  onCode: (code: string) => Promise<void>;
  onCancel: () => void;
}

function ScanForm({ factor, onCode, onCancel }: ScanFormProps) {
  const [code, setCode] = useState("");
  const { busy, error, errors, run, refuse } = useTask(["code"]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!code.trim()) return refuse({ code: "Enter the code that the app shows." });
    void run(() => onCode(code.trim()));
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <ol className="steps">
        <li>
          <p>
            Scan this with an authenticator app, or <a href={factor.uri}>open it on this device</a>.
          </p>
          <QrCode text={factor.uri} label="QR code for the authenticator app; the same as the key below" />
          <p>Or type this key:</p>
          <p className="secret">{factor.secret.replace(/(.{4})(?=.)/g, "$1 ")}</p>
          <p className="save-row">
            <CopyButton text={factor.secret} label="Copy the key" />
          </p>
        </li>
        <li>
          <p>Enter the code that the app shows. Nothing is turned on before.</p>
        </li>
      </ol>
      <CodeField value={code} error={errors.code} onValue={setCode} autoFocus hint="6 digits, new every 30 seconds." />
      <FormError text={error} />
      <SaveRow label="Turn on" busy={busy} onCancel={onCancel} />
    </form>
  );
}
