import { useCallback } from "react";
import type { User } from "@chat/sdk";
import { chat } from "../chat.js";
import { shownName } from "../format.js";
import { Avatar } from "../ui/Avatar.js";
import { FormError } from "../ui/Field.js";
import { useLoaded } from "../ui/useLoaded.js";
import { PersonName } from "../ui/UserPicker.js";
import { useTask } from "../ui/useTask.js";

interface BannedProps {
  roomId: string;
  /** Another each time that something was done to a member. */
  turn: number;
  /** What was done, to be said aloud: the row is gone by then. */
  onSaid: (text: string) => void;
}

/** Who may not come in. Nothing at all while there is nobody. */
export function Banned({ roomId, turn, onSaid }: BannedProps) {
  const { value: bans, error } = useLoaded(useCallback(() => chat.roomActions.bans(roomId), [roomId, turn]));
  const task = useTask();
  const unban = async ({ id, username }: User) => {
    if (await task.run(() => chat.roomActions.unban(roomId, id))) onSaid(`${username} may come back.`);
  };
  if (!bans?.length) return <FormError text={error} />;
  return (
    <section aria-label="Banned">
      <h3>Banned</h3>
      <ul className="rows">
        {bans.map(({ user }) => (
          <li key={user.id} className="row">
            <Avatar name={shownName(user)} id={user.id} src={user.avatar} />
            <PersonName user={user} />
            <button
              type="button"
              className="button small"
              disabled={task.busy}
              onClick={() => void unban(user)}
              aria-label={`Allow ${user.username} to come back`}
            >
              Allow
            </button>
          </li>
        ))}
      </ul>
      <FormError text={task.error ?? error} />
    </section>
  );
}
