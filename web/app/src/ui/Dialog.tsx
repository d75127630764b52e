import { useEffect, useId, useRef, type ReactNode } from "react";
import { Icon } from "./Icon.js";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** A drawer comes from the side and is as high as the page. */
  variant?: "center" | "drawer" | "picture" | "wide";
  /** Where the focus goes afterwards when the opener is about to vanish. */
  returnFocus?: (() => void) | undefined;
}

/** A modal: the browser traps the focus in it and gives it back afterwards. */
export function Dialog({ title, onClose, children, variant = "center", returnFocus }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const pressed = useRef<EventTarget | null>(null);
  const titleId = useId();

  // Once for the life of the dialog: it opens when it is made, closes when it goes.
  useEffect(() => {
    const dialog = ref.current!;
    const opener = document.activeElement;
    if (!dialog.open) dialog.showModal();
    dialog.querySelector<HTMLElement>("[data-autofocus]")?.focus();
    return () => {
      dialog.close();
      if (returnFocus) returnFocus();
      else if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);

  return (
    <dialog
      ref={ref}
      className={`dialog dialog-${variant}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => (pressed.current = event.target)}
      onClick={(event) => {
        // Everything inside is covered by children: a click on the element itself is the backdrop. Who selects text
        // and lets go outside clicks on it as well.
        if (event.target === ref.current && pressed.current === ref.current) onClose();
      }}
    >
      <div className="dialog-body">
        <header className="dialog-header">
          <h2 id={titleId}>{title}</h2>
          <button type="button" className="icon-button" onClick={onClose} aria-label="Close">
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
