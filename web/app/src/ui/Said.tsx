import { useCallback, useEffect, useRef, useState } from "react";

interface SaidProps {
  /** Another where the same words are said again. */
  turn?: number;
  text: string;
}

/** What is to be said of one thing after another that was done. */
export function useSaid(): [said: Required<SaidProps>, say: (text: string) => void] {
  const [said, setSaid] = useState({ turn: 0, text: "" });
  return [said, useCallback((text: string) => setSaid(({ turn }) => ({ turn: turn + 1, text })), [])];
}

/** What was done, said aloud. It takes the focus, because what had it is gone. */
export function Said({ turn, text }: SaidProps) {
  const ref = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (text) ref.current!.focus();
  }, [turn, text]);
  return (
    <p className="note" role="status" tabIndex={-1} ref={ref}>
      {text}
    </p>
  );
}
