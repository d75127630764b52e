import { useEffect } from "react";
import { Icon } from "../ui/Icon.js";
import type { ShellDialog } from "./Shell.js";

interface NoRoomProps {
  hasRooms: boolean;
  loading: boolean;
  onDialog: (dialog: ShellDialog) => void;
}

export function NoRoom({ hasRooms, loading, onDialog }: NoRoomProps) {
  useEffect(() => {
    document.title = "Rooms · Chat";
  }, []);
  if (loading) return null;
  return (
    <div className="empty">
      <span className="empty-symbol">
        <Icon name="bubble" />
      </span>
      <h1>{hasRooms ? "Choose a room" : "Welcome! Find a room to start"}</h1>
      <p>
        {hasRooms
          ? "Pick one of your rooms on the left, or find another."
          : "Join a public room from the directory, or make your own and let others find it."}
      </p>
      <div className="empty-actions">
        <button type="button" className="button primary" onClick={() => onDialog("directory")}>
          Browse rooms
        </button>
        <button type="button" className="button" onClick={() => onDialog("create")}>
          New room
        </button>
      </div>
    </div>
  );
}
