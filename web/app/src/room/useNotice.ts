import { useCallback, useEffect, useState } from "react";

const SHOWN_MS = 6_000;

/** The turn tells the same words from those said before: they are said again, and stay as long again. */
export interface Notice {
  turn: number;
  text: string;
}

/** One line that says what happened, for a while. */
export function useNotice(): [notice: Notice, say: (text: string) => void] {
  const [notice, setNotice] = useState({ turn: 0, text: "" });
  useEffect(() => {
    if (!notice.text) return;
    const timer = setTimeout(() => setNotice({ ...notice, text: "" }), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return [notice, useCallback((text: string) => setNotice(({ turn }) => ({ turn: turn + 1, text })), [])];
}
