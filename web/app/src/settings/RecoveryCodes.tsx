import { useState } from "react";
import { CopyButton } from "../ui/CopyButton.js";
import { saveFile } from "../ui/save.js";

interface RecoveryCodesProps {
  codes: readonly string[];
  username: string;
  onDone: () => void;
}

// The same function each time, or it would take the focus at each change.
const focus = (heading: HTMLElement | null) => heading?.focus();

/** Shown once: the server keeps only their hashes. */
export function RecoveryCodes({ codes, username, onDone }: RecoveryCodesProps) {
  const [kept, setKept] = useState(false);
  const text = codes.join("\n");
  const download = () => {
    const about = `Recovery codes of ${username} at ${location.host}. Each works once.\n\n${text}\n`;
    saveFile(new Blob([about], { type: "text/plain" }), `recovery-codes-${username}.txt`);
    setKept(true);
  };
  return (
    <div className="callout">
      <h3 tabIndex={-1} ref={focus}>
        Your recovery codes
      </h3>
      <p>
        Without your device, each of them lets you in once. Keep them where your password is not. They are shown now and never
        again; any from before do not work any more.
      </p>
      <ol className="recovery-codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <div className="save-row">
        <CopyButton text={text} label="Copy" />
        <button type="button" className="button small" onClick={download}>
          Download
        </button>
      </div>
      <label className="check">
        <input type="checkbox" checked={kept} onChange={(event) => setKept(event.target.checked)} /> I have put them in a safe place
      </label>
      <div className="save-row">
        <button type="button" className="button primary" disabled={!kept} onClick={onDone}>
          Done
        </button>
      </div>
    </div>
  );
}
