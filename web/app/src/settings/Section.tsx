import { useId, type ReactNode } from "react";

interface SectionProps {
  title: string;
  lead?: ReactNode;
  children?: ReactNode;
}

/** The heading can take the focus, when what had it vanishes. */
export function Section({ title, lead, children }: SectionProps) {
  const id = useId();
  return (
    <section className="setting" aria-labelledby={id}>
      <h2 id={id} tabIndex={-1}>
        {title}
      </h2>
      {lead && <p className="muted">{lead}</p>}
      {children}
    </section>
  );
}

export function focusSection(inside: Element): void {
  inside.closest("section")?.querySelector("h2")?.focus();
}

interface SaveRowProps {
  label: string;
  busy: boolean;
  /** Said aloud when it appears. */
  note?: string | null;
  danger?: boolean;
  onCancel?: (() => void) | undefined;
}

export function SaveRow({ label, busy, note, danger = false, onCancel }: SaveRowProps) {
  return (
    <div className="save-row">
      <button type="submit" className={`button ${danger ? "danger" : "primary"}`} disabled={busy}>
        {busy ? "One moment…" : label}
      </button>
      {onCancel && (
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
      )}
      <span className="note" role="status">
        {note}
      </span>
    </div>
  );
}
