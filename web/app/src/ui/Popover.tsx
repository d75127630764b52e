import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

interface PopoverProps {
  /** What it belongs to: it opens beside it, and gives the focus back to it. */
  anchor: HTMLElement;
  label: string;
  onClose: () => void;
  children: ReactNode;
}

const GAP = 6;
const EDGE = 8;
const STEPS: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** A few choices beside a button. Arrows go through them, Tab leads out, Escape closes. */
export function Popover({ anchor, label, onClose, children }: PopoverProps) {
  const ref = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ top: number; left: number } | null>(null);

  useLayoutEffect(() => {
    const own = ref.current!.getBoundingClientRect();
    const at = anchor.getBoundingClientRect();
    const below = at.bottom + GAP + own.height <= innerHeight - EDGE;
    const left = Math.min(at.right - own.width, innerWidth - own.width - EDGE);
    setPlace({ top: below ? at.bottom + GAP : Math.max(EDGE, at.top - GAP - own.height), left: Math.max(EDGE, left) });
  }, [anchor]);

  useEffect(() => {
    choicesIn(ref.current!)[0]?.focus({ preventScroll: true });
    const outside = (event: Event) => {
      const target = event.target as Node;
      if (!ref.current?.contains(target) && !anchor.contains(target)) onClose();
    };
    document.addEventListener("pointerdown", outside);
    // What it stands beside moves away.
    document.addEventListener("scroll", outside, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("scroll", outside, true);
    };
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
      style={place ? { top: place.top, left: place.left } : { visibility: "hidden" }}
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
