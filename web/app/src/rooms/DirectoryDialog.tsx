import { useCallback, useEffect, useRef, useState } from "react";
import type { Room } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { count, explain } from "../format.js";
import { navigate, roomHref } from "../router.js";
import { Dialog } from "../ui/Dialog.js";
import { Field, FormError } from "../ui/Field.js";
import { Icon } from "../ui/Icon.js";

/** Somebody who types is not finished yet. */
const PAUSE_MS = 250;

export function DirectoryDialog({ onClose }: { onClose: () => void }) {
  const mine = useChat("rooms", () => chat.rooms);
  const [rooms, setRooms] = useState<Room[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<string | null>(null);
  const [joining, setJoining] = useState<string | null>(null);

  const [text, setText] = useState("");
  const [wanted, setWanted] = useState("");
  // An answer that comes after a later question is none.
  const asked = useRef(0);

  const load = useCallback(async (from?: string) => {
    const number = (asked.current += 1);
    setLoading(true);
    setError(null);
    try {
      const page = await chat.api.directory(from, wanted);
      if (number !== asked.current) return;
      setRooms((before) => (from ? [...before, ...page.rooms] : page.rooms));
      setCursor(page.nextCursor);
    } catch (reason) {
      if (number !== asked.current) return;
      setError(explain(reason));
      // What is still there answers another question, and so does its next page.
      if (!from) {
        setRooms([]);
        setCursor(null);
      }
    }
    setLoading(false);
  }, [wanted]);

  useEffect(() => {
    const timer = setTimeout(() => setWanted(text.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);

  useEffect(() => void load(), [load]);

  const open = (room: Room) => {
    onClose();
    navigate(roomHref(room.id));
  };
  const join = async (room: Room) => {
    setJoining(room.id);
    setError(null);
    try {
      await chat.roomActions.join(room.id);
      open(room);
    } catch (reason) {
      setError(explain(reason));
      setJoining(null);
    }
  };

  const isMine = (room: Room) => mine?.some((own) => own.id === room.id) ?? false;
  return (
    <Dialog title="Browse rooms" onClose={onClose}>
      <p className="dialog-text">Public rooms on this server. Anyone can join them.</p>
      <Field label="Search" name="search" type="search" autoComplete="off" maxLength={80} value={text} onValue={setText} />
      <FormError text={error} />
      <ul className="directory">
        {rooms.map((room) => (
          <li key={room.id} className="directory-row">
            <span className="room-symbol">
              <Icon name="hash" />
            </span>
            <div className="directory-text">
              <h3>{room.name}</h3>
              {room.description && <p>{room.description}</p>}
              <p className="muted">{count(room.memberCount ?? 0, "member", "members")}</p>
            </div>
            {isMine(room) ? (
              <button type="button" className="button small" onClick={() => open(room)} aria-label={`Open ${room.name}`}>
                Open
              </button>
            ) : room.archivedAt ? (
              <span className="tag">archived</span>
            ) : (
              <button
                type="button"
                className="button small primary"
                onClick={() => void join(room)}
                disabled={joining !== null}
                aria-label={`Join ${room.name}`}
              >
                Join
              </button>
            )}
          </li>
        ))}
      </ul>
      {loading && (
        <p className="list-note" role="status">
          Loading rooms…
        </p>
      )}
      {!loading && !error && rooms.length === 0 && (
        <p className="list-note" role="status">
          {wanted ? `No public room is called something like “${wanted}”.` : "There is no public room yet. Make the first one with “New room”."}
        </p>
      )}
      {!loading && (cursor || error) && (
        <div className="dialog-actions">
          <button type="button" className="button" onClick={() => void load(rooms.length > 0 ? (cursor ?? undefined) : undefined)}>
            {error ? "Try again" : "Show more"}
          </button>
        </div>
      )}
    </Dialog>
  );
}
