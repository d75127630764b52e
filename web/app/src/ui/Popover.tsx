import { useCallback, useEffect, useLayoutEffect, useRef, type KeyboardEvent, type ReactNode } from "react";

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

  const place = useCallback(() => {
    const own = ref.current!.getBoundingClientRect();
    const at = anchor.getBoundingClientRect();
    const below = at.bottom + GAP + own.height <= innerHeight - EDGE;
    const left = Math.min(at.right - own.width, innerWidth - own.width - EDGE);
    ref.current!.style.top = `${below ? at.bottom + GAP : Math.max(EDGE, at.top - GAP - own.height)}px`;
    ref.current!.style.left = `${Math.max(EDGE, left)}px`;
  }, [anchor]);

  useLayoutEffect(() => {
    place();
    choicesIn(ref.current!)[0]?.focus({ preventScroll: true });
    // What it stands beside moves: with the list, or when a phone's keyboard opens.
    document.addEventListener("scroll", place, true);
    window.addEventListener("resize", place);
    return () => {
      document.removeEventListener("scroll", place, true);
      window.removeEventListener("resize", place);
    };
  }, [place]);

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
