import { useEffect, useState } from "react";
import { ApiError, type InvitePreview } from "@chat/sdk";
import { AuthFrame } from "../auth/AuthFrame.js";
import { chat } from "../chat.js";
import { count, explain } from "../format.js";
import { navigate, roomHref } from "../router.js";
import { FormError } from "../ui/Field.js";
import { useTask } from "../ui/useTask.js";

/** Behind the link of an invitation, for somebody who is logged in. */
export function InvitePage({ token }: { token: string }) {
  const [preview, setPreview] = useState<InvitePreview | null>(null);
  const [failure, setFailure] = useState<{ gone: boolean; text: string } | null>(null);
  const [attempt, setAttempt] = useState(0);
  const { busy, error, run } = useTask();

  useEffect(() => {
    let current = true;
    setFailure(null);
    chat.roomActions.preview(token).then(
      (found) => current && setPreview(found),
      (reason: unknown) => {
        const gone = reason instanceof ApiError && (reason.status === 404 || reason.status === 400);
        if (current) setFailure({ gone, text: explain(reason) });
      },
    );
    return () => {
      current = false;
    };
  }, [token, attempt]);

  const back = (
    <p className="auth-switch">
      <a href="#/rooms">Go to your rooms</a>
    </p>
  );
  if (failure) {
    return (
      <AuthFrame title={failure.gone ? "This invitation is not open any more" : "The invitation could not be loaded"}>
        <div className="outcome" role="alert">
          <p>
            {failure.gone
              ? "It is too old, was used by as many as it lets in, or was taken back. Ask whoever sent it for another one."
              : failure.text}
          </p>
        </div>
        {!failure.gone && (
          <button type="button" className="button primary wide" onClick={() => setAttempt(attempt + 1)}>
            Try again
          </button>
        )}
        {back}
      </AuthFrame>
    );
  }
  if (!preview) {
    return (
      <AuthFrame title="One moment…">
        <p className="muted" role="status">
          Your invitation is being looked up.
        </p>
      </AuthFrame>
    );
  }
  const { room } = preview;
  const accept = () =>
    void run(async () => {
      const joined = await chat.roomActions.accept(token);
      navigate(roomHref(joined.id));
    });
  return (
    <AuthFrame title={`You are invited to ${room.name}`} lead={room.description}>
      <p className="muted">
        {room.isPrivate ? "A private room" : "A public room"} with {count(room.memberCount ?? 0, "member", "members")}.
      </p>
      <FormError text={error} />
      <button type="button" className="button primary wide" onClick={accept} disabled={busy}>
        {busy ? "One moment…" : "Join the room"}
      </button>
      {back}
    </AuthFrame>
  );
}
