import { useEffect, type ReactNode } from "react";
import { Icon } from "../ui/Icon.js";

interface SectionsPageProps<Name extends string> {
  title: string;
  /** What the way between the sections and the way out are called. */
  label: string;
  /** Where the sections are, before their names. */
  path: string;
  names: Record<Name, string>;
  current: Name;
  /** Of the window. */
  documentTitle: string;
  children: ReactNode;
}

/** A page beside the rooms: its head, the way between its sections, and the one that is open. */
export function SectionsPage<Name extends string>({ title, label, path, names, current, documentTitle, children }: SectionsPageProps<Name>) {
  useEffect(() => {
    document.title = `${documentTitle} · Chat`;
  }, [documentTitle]);
  return (
    <div className="settings">
      <header className="room-header">
        <a className="icon-button room-back" href="#/rooms" aria-label="Back to your rooms">
          <Icon name="back" />
        </a>
        <h1>{title}</h1>
        <a className="icon-button settings-close" href="#/rooms" aria-label={`Close the ${label.toLowerCase()}`} title="Close">
          <Icon name="close" />
        </a>
      </header>
      <nav className="settings-nav" aria-label={label}>
        {(Object.keys(names) as Name[]).map((name) => (
          <a key={name} href={`${path}${name}`} aria-current={name === current ? "page" : undefined}>
            {names[name]}
          </a>
        ))}
      </nav>
      <div className="settings-body" key={current} tabIndex={-1}>
        {children}
      </div>
    </div>
  );
}
