import { useCallback, useEffect, useState } from "react";

const SHOWN_MS = 6_000;

/** One line that says what happened, for a while. */
export function useNotice(): [text: string, say: (text: string) => void] {
  // An object, so that the same words said again stay as long again.
  const [notice, setNotice] = useState({ text: "" });
  useEffect(() => {
    if (!notice.text) return;
    const timer = setTimeout(() => setNotice({ text: "" }), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return [notice.text, useCallback((text: string) => setNotice({ text }), [])];
}
