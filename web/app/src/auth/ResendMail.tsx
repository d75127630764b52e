import { useState } from "react";
import { ApiError } from "@chat/sdk";
import { chat } from "../chat.js";
import { explain } from "../format.js";

/** Has the link that confirms the address mailed once more, and says what became of it beside the button. */
export function ResendMail({ wide = false }: { wide?: boolean }) {
  const [busy, setBusy] = useState(false);
  const [note, setNote] = useState<{ text: string; failed: boolean } | null>(null);

  const resend = async () => {
    setBusy(true);
    setNote(null);
    try {
      await chat.account.resendVerification();
      setNote({ text: "Mailed. Look among the unwanted mail as well.", failed: false });
    } catch (reason) {
      const status = reason instanceof ApiError ? reason.status : 0;
      // Confirmed meanwhile, on another device.
      if (status === 409) await chat.refreshMe();
      else if (status === 403) setNote({ text: "This server sends no mail. Ask whoever runs it to confirm you.", failed: true });
      else setNote({ text: explain(reason), failed: true });
    }
    setBusy(false);
  };

  return (
    <>
      <button type="button" className={`button ${wide ? "primary wide" : "small"}`} onClick={() => void resend()} disabled={busy}>
        {busy ? "One moment…" : "Mail the link again"}
      </button>
      <span className={`resend-note ${note?.failed ? "field-error" : ""}`} role="status">
        {note?.text}
      </span>
    </>
  );
}
