import { useCallback, useRef, useState, type ReactNode } from "react";
import { Icon, type IconName } from "./Icon.js";
import { Popover } from "./Popover.js";

export interface Choice {
  label: string;
  icon: IconName;
  /** A word more, such as how long it is still possible. */
  note?: ReactNode;
  danger?: boolean;
  act: () => void;
}

interface MenuButtonProps {
  label: string;
  title: string;
  choices: readonly Choice[];
}

/** What is done too seldom to have a button of its own. */
export function MenuButton({ label, title, choices }: MenuButtonProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => setOpen(false), []);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="icon-button"
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={label}
        title={title}
        onClick={() => setOpen(!open)}
      >
        <Icon name="more" />
      </button>
      {open && (
        <Popover anchor={button.current!} label={label} onClose={close}>
          <ul className="menu">
            {choices.map(({ label: name, icon, note, danger, act }) => (
              <li key={name}>
                <button
                  type="button"
                  className={`menu-choice ${danger ? "menu-danger" : ""}`}
                  onClick={() => {
                    close();
                    // Before what comes: a dialog gives the focus back to where it was.
                    button.current!.focus();
                    act();
                  }}
                >
                  <Icon name={icon} />
                  <span>{name}</span>
                  {note && <span className="menu-note">{note}</span>}
                </button>
              </li>
            ))}
          </ul>
        </Popover>
      )}
    </>
  );
}
