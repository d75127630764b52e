import { useCallback, useMemo, useState } from "react";
import type { User } from "@chat/sdk";
import { block } from "../blocked.js";
import { chat } from "../chat.js";
import { shownName } from "../format.js";
import { Avatar } from "../ui/Avatar.js";
import { FormError } from "../ui/Field.js";
import { useLoaded } from "../ui/useLoaded.js";
import { PersonName, UserPicker } from "../ui/UserPicker.js";
import { useTask } from "../ui/useTask.js";
import { ListSkeleton } from "./Devices.js";
import { focusSection, Section } from "./Section.js";

export function Privacy({ user }: { user: User }) {
  const { value: blocked, error, reload } = useLoaded(useCallback(() => chat.account.blocks(), []));
  const task = useTask();
  const [note, setNote] = useState("");
  const without = useMemo(() => new Set([user.id, ...(blocked ?? []).map(({ id }) => id)]), [user.id, blocked]);

  const change = async (said: string, act: () => Promise<void>) => {
    setNote("");
    const done = await task.run(async () => {
      await act();
      await reload();
    });
    if (done) setNote(said);
    return done;
  };
  const unblock = async (other: User, button: Element) => {
    if (await change(`${other.username} is not blocked any more.`, () => block(other.id, false))) focusSection(button);
  };

  return (
    <Section
      title="Blocked people"
      lead={
        "Who is blocked cannot put you into rooms, invite you or write to you directly, and is not told; nor can you write to him. " +
        "What is written in rooms that you share is hidden until you ask for it."
      }
    >
      <FormError text={error ?? task.error} />
      {error && (
        <button type="button" className="button" onClick={() => void reload()}>
          Try again
        </button>
      )}
      {!blocked && !error && <ListSkeleton label="Loading who is blocked" />}
      <p className="note" role="status">
        {note}
      </p>
      {blocked?.length === 0 && <p className="muted">You have blocked nobody.</p>}
      {blocked && blocked.length > 0 && (
        <ul className="rows" aria-label="Blocked">
          {blocked.map((other) => (
            <li key={other.id} className="row">
              <Avatar name={shownName(other)} id={other.id} src={other.avatar} />
              <PersonName user={other} />
              <button
                type="button"
                className="button small"
                disabled={task.busy}
                onClick={(event) => void unblock(other, event.currentTarget)}
                aria-label={`Unblock ${other.username}`}
              >
                Unblock
              </button>
            </li>
          ))}
        </ul>
      )}
      {blocked && (
        <UserPicker
          label="Block somebody"
          action="Block"
          without={without}
          busy={task.busy}
          onPick={(other) => void change(`${other.username} is blocked.`, () => block(other.id, true))}
        />
      )}
    </Section>
  );
}
