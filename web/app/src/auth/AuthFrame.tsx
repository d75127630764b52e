import { useEffect, type ReactNode } from "react";
import { Icon } from "../ui/Icon.js";

interface AuthFrameProps {
  title: string;
  lead?: ReactNode;
  children?: ReactNode;
}

/** One card in the middle of the page: what is there before somebody is logged in. */
export function AuthFrame({ title, lead, children }: AuthFrameProps) {
  useEffect(() => {
    document.title = `${title} · Chat`;
  }, [title]);
  return (
    <main className="auth">
      <div className="auth-card">
        <p className="auth-brand">
          <span className="brand-mark">
            <Icon name="bubble" />
          </span>
          Chat
        </p>
        <div className="auth-title">
          <h1>{title}</h1>
          {lead && <p className="muted">{lead}</p>}
        </div>
        {children}
      </div>
    </main>
  );
}
