const GAP = 6;
const EDGE = 8;

/** Where it stands to what it belongs to: its right end below the other's, or its middle. */
type Align = "end" | "middle";

/** Below, or above where there is no room; never off the screen. */
function place(own: HTMLElement, anchor: HTMLElement, align: Align): void {
  const { width, height } = own.getBoundingClientRect();
  const at = anchor.getBoundingClientRect();
  const below = at.bottom + GAP + height <= innerHeight - EDGE;
  const left = at.right - width + (align === "middle" ? (width - at.width) / 2 : 0);
  own.style.top = `${below ? at.bottom + GAP : Math.max(EDGE, at.top - GAP - height)}px`;
  own.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
}

/** Stays there while the list moves, and when a phone's keyboard opens. Gives the way to let it go. */
export function keepBeside(own: HTMLElement, anchor: HTMLElement, align: Align = "end"): () => void {
  const follow = () => place(own, anchor, align);
  follow();
  document.addEventListener("scroll", follow, true);
  window.addEventListener("resize", follow);
  return () => {
    document.removeEventListener("scroll", follow, true);
    window.removeEventListener("resize", follow);
  };
}
