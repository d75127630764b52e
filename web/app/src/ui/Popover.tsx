import { useEffect, useLayoutEffect, useRef, type KeyboardEvent, type ReactNode } from "react";
import { keepBeside } from "./beside.js";

interface PopoverProps {
  /** What it belongs to: it opens beside it, and gives the focus back to it. */
  anchor: HTMLElement;
  label: string;
  onClose: () => void;
  children: ReactNode;
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** A few choices beside a button. Arrows go through them, Tab leads out, Escape closes. */
export function Popover({ anchor, label, onClose, children }: PopoverProps) {
  const ref = useRef<HTMLDivElement>(null);

  useLayoutEffect(() => {
    const letGo = keepBeside(ref.current!, anchor);
    choicesIn(ref.current!)[0]?.focus({ preventScroll: true });
    return letGo;
  }, [anchor]);

  useEffect(() => {
    const outside = (event: Event) => {
      const target = event.target as Node;
      if (!ref.current?.contains(target) && !anchor.contains(target)) onClose();
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [anchor, onClose]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
      anchor.focus();
      return;
    }
    const step = STEPS[event.key];
    if (!step || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    const choices = choicesIn(ref.current!);
    const now = choices.indexOf(document.activeElement as HTMLElement);
    choices.at((now + step) % choices.length)?.focus();
  };

  return (
    <div
      ref={ref}
      className="popover"
      role="dialog"
      aria-label={label}
      onKeyDown={onKeyDown}
      onBlur={(event) => {
        if (event.relatedTarget && !event.currentTarget.contains(event.relatedTarget) && event.relatedTarget !== anchor) onClose();
      }}
    >
      {children}
    </div>
  );
}

const choicesIn = (element: HTMLElement) => [...element.querySelectorAll<HTMLElement>("button:not(:disabled), input")];
