import { useEffect, useRef } from "react";

/** What was done, said aloud. It takes the focus, because what had it is gone. */
export function Said({ text }: { text: string }) {
  const ref = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (text) ref.current!.focus();
  }, [text]);
  return (
    <p className="note" role="status" tabIndex={-1} ref={ref}>
      {text}
    </p>
  );
}
