import { useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { keepBeside } from "./beside.js";

interface TipProps {
  text: string;
  onShow?: () => void;
  /** A button, whose own name tells the same to screen readers. */
  children: ReactNode;
}

/** More about a button while one points at it, or comes to it by the keyboard. Escape puts it away. */
export function Tip({ text, onShow, children }: TipProps) {
  const [shown, setShown] = useState(false);
  const anchor = useRef<HTMLSpanElement>(null);
  const tip = useRef<HTMLSpanElement>(null);

  // Again with another text, which has another size.
  useLayoutEffect(() => (shown ? keepBeside(tip.current!, anchor.current!, "middle") : undefined), [shown, text]);

  const show = () => {
    setShown(true);
    onShow?.();
  };
  const hide = () => setShown(false);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !shown) return;
    // Not for what it stands in: a thread closes by it too.
    event.preventDefault();
    hide();
  };
  return (
    <span
      ref={anchor}
      className="tip-anchor"
      onPointerEnter={show}
      onPointerLeave={hide}
      onFocus={(event) => event.target.matches(":focus-visible") && show()}
      onBlur={hide}
      onKeyDown={onKeyDown}
    >
      {children}
      {shown && (
        <span ref={tip} className="tip" role="tooltip" aria-hidden="true">
          {text}
        </span>
      )}
    </span>
  );
}
