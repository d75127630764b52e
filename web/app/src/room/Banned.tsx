import { useCallback } from "react";
import { chat } from "../chat.js";
import { shownName } from "../format.js";
import { Avatar } from "../ui/Avatar.js";
import { FormError } from "../ui/Field.js";
import { useLoaded } from "../ui/useLoaded.js";
import { PersonName } from "../ui/UserPicker.js";
import { useTask } from "../ui/useTask.js";

/** Who may not come in. Nothing at all while there is nobody. */
export function Banned({ roomId }: { roomId: string }) {
  const { value: bans, error, reload } = useLoaded(useCallback(() => chat.roomActions.bans(roomId), [roomId]));
  const task = useTask();
  const unban = (userId: string) =>
    void task.run(async () => {
      await chat.roomActions.unban(roomId, userId);
      await reload();
    });
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
              onClick={() => unban(user.id)}
              aria-label={`Allow ${user.username} to come back`}
            >
              Allow
            </button>
          </li>
        ))}
      </ul>
      <FormError text={task.error} />
    </section>
  );
}
