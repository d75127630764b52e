import { Component, Suspense, type ReactNode } from "react";

interface LateProps {
  children: ReactNode;
}

/** A part of the page that is loaded when it is wanted: the server may be gone by then, or have a newer page. */
export class Late extends Component<LateProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return <Suspense>{this.props.children}</Suspense>;
    return (
      <div className="empty" role="alert">
        <h1>This part could not be loaded</h1>
        <p>The server cannot be reached, or has a newer page by now. Reload to go on; what is unsent is kept.</p>
        <div className="empty-actions">
          <button type="button" className="button primary" onClick={() => location.reload()}>
            Reload
          </button>
          <a className="button" href="#/rooms">
            Back to your rooms
          </a>
        </div>
      </div>
    );
  }
}
