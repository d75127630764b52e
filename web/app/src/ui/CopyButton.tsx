import { useState } from "react";

/** Says whether it went well, aloud too. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [note, setNote] = useState("");
  const copy = async () => {
    // So that the same is said again.
    setNote("");
    try {
      await navigator.clipboard.writeText(text);
      setNote("Copied.");
    } catch {
      setNote("The browser does not allow it: select the text and copy it.");
    }
  };
  return (
    <>
      <button type="button" className="button small" onClick={() => void copy()}>
        {label}
      </button>
      <span className="note" role="status">
        {note}
      </span>
    </>
  );
}
