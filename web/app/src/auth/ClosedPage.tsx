import { AuthFrame } from "./AuthFrame.js";

export function ClosedPage() {
  return (
    <AuthFrame
      title="Your account is closed"
      lead="You are logged out everywhere. What was kept of you is being removed now; this page can be closed."
    >
      <p className="auth-switch">
        <a href="#/register">Create another account</a>
      </p>
    </AuthFrame>
  );
}
