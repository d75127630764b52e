import { useState } from "react";
import type { Room, RoomSettings } from "@chat/sdk";
import { chat } from "../chat.js";
import { momentOf } from "../format.js";
import { Dialog } from "../ui/Dialog.js";
import { FormError } from "../ui/Field.js";
import { useTask } from "../ui/useTask.js";
import { isMuted } from "./muted.js";

const LEVELS: [RoomSettings["notifications"], string, string][] = [
  ["all", "All messages", ""],
  ["mentions", "Mentions only", "When somebody writes @ and your name."],
  ["none", "Nothing", "What is unread is still counted."],
];
const HOUR = 3_600_000;
const MUTES: [number, string][] = [
  [HOUR, "1 hour"],
  [8 * HOUR, "8 hours"],
  [24 * HOUR, "1 day"],
  [7 * 24 * HOUR, "1 week"],
];

const DEFAULTS: RoomSettings = { notifications: "all", mutedUntil: null, isFavourite: false };

/** What one wants of a room, on all one's devices. Each choice holds at once. */
export function NotificationsDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  // Shown at once, and taken back when it is refused.
  const [wish, setWish] = useState<RoomSettings | null>(null);
  const settings = wish ?? room.settings ?? DEFAULTS;
  const { error, run } = useTask();
  const [note, setNote] = useState("");
  const change = async (changes: Partial<RoomSettings>) => {
    const next = { ...settings, ...changes };
    setNote("");
    setWish(next);
    const done = await run(() => chat.roomActions.set(room.id, next));
    setWish((latest) => (latest === next ? null : latest));
    if (done) setNote("Saved.");
  };
  const muted = isMuted(settings);
  return (
    <Dialog title="Notifications" onClose={onClose}>
      <p className="dialog-text">
        Of {room.name}, for you alone and on all your devices. Whether this browser shows them, the <a href="#/settings/notifications">settings</a> say.
      </p>
      <fieldset className="choices">
        <legend>Tell me of</legend>
        {LEVELS.map(([level, label, hint]) => (
          <label key={level} className="check">
            <input type="radio" name="level" checked={settings.notifications === level} onChange={() => void change({ notifications: level })} />
            <span>
              <span className="switch-label">{label}</span>
              {hint && <span className="field-hint">{hint}</span>}
            </span>
          </label>
        ))}
      </fieldset>
      <section className="setting-part" aria-label="Mute">
        <p className="dialog-text">{muted ? `Muted until ${momentOf(settings.mutedUntil!)}.` : "Mute the room for a while:"}</p>
        <div className="save-row">
          {muted ? (
            <button type="button" className="button small" onClick={() => void change({ mutedUntil: null })}>
              Tell me again
            </button>
          ) : (
            MUTES.map(([ms, label]) => (
              <button
                key={ms}
                type="button"
                className="button small"
                onClick={() => void change({ mutedUntil: new Date(Date.now() + ms).toISOString() })}
                aria-label={`Mute for ${label}`}
              >
                {label}
              </button>
            ))
          )}
        </div>
      </section>
      <label className="switch">
        <input
          type="checkbox"
          role="switch"
          checked={settings.isFavourite}
          onChange={(event) => void change({ isFavourite: event.target.checked })}
        />
        <span className="switch-track" aria-hidden="true" />
        <span>
          <span className="switch-label">Favourite</span>
          <span className="field-hint">Stands above your other rooms.</span>
        </span>
      </label>
      <FormError text={error} />
      <p className="note" role="status">
        {note}
      </p>
    </Dialog>
  );
}
