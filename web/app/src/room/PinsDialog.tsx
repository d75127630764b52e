import { useCallback } from "react";
import type { Message, Room, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { momentOf, nameOf } from "../format.js";
import { messageHref, navigate } from "../router.js";
import { Dialog } from "../ui/Dialog.js";
import { FormError } from "../ui/Field.js";
import { Said, useSaid } from "../ui/Said.js";
import { useLoaded } from "../ui/useLoaded.js";
import { useTask } from "../ui/useTask.js";
import { mayPin } from "./powers.js";
import { gist } from "./Quote.js";

interface PinsDialogProps {
  room: Room;
  users: ReadonlyMap<string, User>;
  onClose: () => void;
}

export function PinsDialog({ room, users, onClose }: PinsDialogProps) {
  const load = useCallback(async () => {
    const found = await chat.api.pins(room.id);
    chat.people.shown(found.map(({ userId }) => userId));
    return found;
  }, [room.id]);
  const { value: pins, error, reload } = useLoaded(load);
  const task = useTask();
  const [said, say] = useSaid();
  const unpin = (message: Message) =>
    void task.run(async () => {
      await chat.messages.pin(message, false);
      await reload();
      say("It is not pinned any more.");
    });
  return (
    <Dialog title="Pinned messages" variant="drawer" onClose={onClose}>
      <FormError text={error ?? task.error} />
      <Said {...said} />
      {!pins && !error && (
        <p className="list-note" role="status">
          Loading what is pinned…
        </p>
      )}
      {pins?.length === 0 && <p className="list-note">Nothing is pinned. {mayPin(room) && "Pin a message by the menu beside it."}</p>}
      <ul className="rows" aria-label="Pinned">
        {pins?.map((message) => (
          <li key={message.id} className="row row-wrap row-told">
            <div className="row-text">
              <p className="row-name">{nameOf(users, message.userId)}</p>
              <p className="pin-text">{gist(message)}</p>
              <p className="muted">{momentOf(message.createdAt)}</p>
            </div>
            <button
              type="button"
              className="button small"
              onClick={() => {
                onClose();
                navigate(messageHref(room.id, message.id));
              }}
            >
              Show
            </button>
            {mayPin(room) && !room.archivedAt && (
              <button type="button" className="button small" disabled={task.busy} onClick={() => unpin(message)} aria-label={`Unpin: ${gist(message)}`}>
                Unpin
              </button>
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
