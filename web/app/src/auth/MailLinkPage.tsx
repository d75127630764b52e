import { useEffect, useState } from "react";
import { chat, useChat } from "../chat.js";
import { explain, fieldErrors } from "../format.js";
import { dropToken } from "../router.js";
import { AuthFrame } from "./AuthFrame.js";
import { ResendMail } from "./ResendMail.js";

interface MailLinkPageProps {
  page: "verify-email" | "confirm-email";
  token: string;
}

type Outcome =
  | { kind: "working" }
  | { kind: "done" }
  /** One address has agreed, the other one is waited for. */
  | { kind: "half" }
  | { kind: "bad" }
  | { kind: "taken" }
  | { kind: "failed"; text: string };

/** Behind a link that asks nothing: following it is the answer. */
export function MailLinkPage({ page, token }: MailLinkPageProps) {
  const user = useChat("me", () => chat.currentUser);
  const [outcome, setOutcome] = useState<Outcome>(token ? { kind: "working" } : { kind: "bad" });
  const [presented, setPresented] = useState({ token, attempt: 0 });

  // Another link may be opened in the same tab; an emptied one is this page's own doing.
  useEffect(() => {
    if (token) setPresented((before) => (before.token === token ? before : { token, attempt: 0 }));
  }, [token]);

  useEffect(() => {
    if (!presented.token) return;
    let current = true;
    setOutcome({ kind: "working" });
    void present(page, presented.token).then((next) => {
      if (!current) return;
      setOutcome(next);
      if (next.kind !== "failed") dropToken(page);
    });
    return () => {
      current = false;
    };
  }, [page, presented]);

  const again = () => setPresented(({ token, attempt }) => ({ token, attempt: attempt + 1 }));
  const onward = (
    <a className="button primary wide" href={user ? "#/rooms" : "#/login"}>
      {user ? "Go to your rooms" : "Log in"}
    </a>
  );
  switch (outcome.kind) {
    case "working":
      return (
        <AuthFrame title="One moment…">
          <p className="muted" role="status">
            Your address is being confirmed.
          </p>
        </AuthFrame>
      );
    case "done":
      return (
        <AuthFrame title={page === "verify-email" ? "Your address is confirmed" : "Your address is changed"}>
          <div className="outcome" role="status">
            <p>
              {page === "verify-email"
                ? "You can write, make rooms and invite people now."
                : "Both addresses have agreed. Mail goes to the new one from now on, and you log in with it."}
            </p>
          </div>
          {onward}
        </AuthFrame>
      );
    case "half":
      return (
        <AuthFrame title="One half is done">
          <div className="outcome" role="status">
            <p>This address has agreed. Now open the link in the mail to the other address: the change is made when both have agreed.</p>
          </div>
          {onward}
        </AuthFrame>
      );
    case "taken":
      return (
        <AuthFrame title="Somebody has this address">
          <div className="outcome" role="alert">
            <p>Another account has the address by now, so the change was not made. Choose another address in the settings.</p>
          </div>
          {onward}
        </AuthFrame>
      );
    case "failed":
      return (
        <AuthFrame title="That did not work">
          <div className="outcome" role="alert">
            <p>{outcome.text}</p>
          </div>
          <button type="button" className="button primary wide" onClick={again}>
            Try again
          </button>
        </AuthFrame>
      );
    case "bad":
      if (page === "verify-email" && user?.emailVerified) {
        return (
          <AuthFrame title="Your address is confirmed">
            <div className="outcome" role="status">
              <p>The link was used before; nothing is left to do.</p>
            </div>
            {onward}
          </AuthFrame>
        );
      }
      return (
        <AuthFrame title="This link does not work any more">
          <div className="outcome" role="alert">
            <p>A link works once, and not for long: this one was used, is too old, or is not whole.</p>
            <p>{adviceFor(page, user !== null)}</p>
          </div>
          {page === "verify-email" && user ? <ResendMail wide /> : onward}
          {page === "verify-email" && user && (
            <p className="auth-switch">
              <a href="#/rooms">Go to your rooms</a>
            </p>
          )}
        </AuthFrame>
      );
  }
}

function adviceFor(page: MailLinkPageProps["page"], loggedIn: boolean): string {
  if (page === "confirm-email") return "If your address is not changed yet, ask for the change again in the settings.";
  return loggedIn ? "You can have another one." : "If your address is not confirmed yet, log in, and have another one mailed.";
}

async function present(page: MailLinkPageProps["page"], token: string): Promise<Outcome> {
  try {
    if (page === "verify-email") await chat.account.verifyEmail(token);
    else if (!(await chat.account.confirmEmail(token))) return { kind: "half" };
    await chat.refreshMe();
    return { kind: "done" };
  } catch (reason) {
    if (fieldErrors(reason).token) {
      // It may have been used on another device.
      await chat.refreshMe();
      return { kind: "bad" };
    }
    if (statusOf(reason) === 409) return { kind: "taken" };
    return { kind: "failed", text: explain(reason) };
  }
}

const statusOf = (reason: unknown) => (reason as { status?: number } | null)?.status;
