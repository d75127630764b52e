import { useEffect, useState } from "react";
import { ApiError, type Room } from "@chat/sdk";
import { chat } from "../chat.js";
import { count, explain } from "../format.js";
import { FormError } from "../ui/Field.js";
import { Icon } from "../ui/Icon.js";

/** A room that is linked to but not joined. */
export function RoomPreview({ roomId }: { roomId: string }) {
  const [room, setRoom] = useState<Room | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [joinError, setJoinError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let current = true;
    document.title = "Room · Chat";
    setError(null);
    chat.api.room(roomId).then(
      (found) => {
        if (!current) return;
        setRoom(found);
        document.title = `${found.name} · Chat`;
      },
      (reason: unknown) => {
        if (current && reason instanceof ApiError) setError(reason);
      },
    );
    return () => {
      current = false;
    };
  }, [roomId, attempt]);

  const join = async () => {
    setBusy(true);
    setJoinError(null);
    try {
      await chat.roomActions.join(roomId);
    } catch (reason) {
      setJoinError(explain(reason));
    }
    setBusy(false);
  };

  if (error) {
    const missing = error.status === 404 || error.status === 400;
    return (
      <div className="empty">
        <span className="empty-symbol">
          <Icon name={missing ? "lock" : "warning"} />
        </span>
        <h1>{missing ? "This room is not open to you" : "The room could not be loaded"}</h1>
        <p>
          {missing
            ? "It does not exist any more, or it is private and you are not a member. Ask a member to add you."
            : explain(error)}
        </p>
        <div className="empty-actions">
          {!missing && (
            <button type="button" className="button primary" onClick={() => setAttempt(attempt + 1)}>
              Try again
            </button>
          )}
          <a className="button" href="#/rooms">
            Back to your rooms
          </a>
        </div>
      </div>
    );
  }
  if (!room) return null;
  return (
    <div className="empty">
      <span className="empty-symbol">
        <Icon name="hash" />
      </span>
      <h1>{room.name}</h1>
      <p>{room.description || "Join to read the conversation and take part in it."}</p>
      <p className="muted">{count(room.memberCount ?? 0, "member", "members")}</p>
      <FormError text={joinError} />
      <div className="empty-actions">
        <button type="button" className="button primary" onClick={() => void join()} disabled={busy}>
          Join room
        </button>
        <a className="button" href="#/rooms">
          Back to your rooms
        </a>
      </div>
    </div>
  );
}
