import { useEffect, useRef, useState } from "react";
import type { User } from "@chat/sdk";
import { chat } from "../chat.js";
import { count, explain, shownName } from "../format.js";
import { Avatar } from "./Avatar.js";
import { Field } from "./Field.js";

const LEAST_CHARACTERS = 2;
/** Somebody who types is not finished yet. */
const PAUSE_MS = 250;

interface UserPickerProps {
  label: string;
  /** What choosing means, said before the name: “Block”. */
  action: string;
  /** They are not offered. */
  without: ReadonlySet<string>;
  busy?: boolean;
  "data-autofocus"?: boolean;
  onPick: (user: User) => void;
}

/** Finds people by the beginning of their user names. */
export function UserPicker({ label, action, without, busy = false, onPick, "data-autofocus": first }: UserPickerProps) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<readonly User[] | null>(null);
  const [error, setError] = useState<string | undefined>();
  const input = useRef<HTMLInputElement>(null);
  const prefix = text.trim().replace(/^@/, "");

  useEffect(() => {
    setFound(null);
    setError(undefined);
    if ([...prefix].length < LEAST_CHARACTERS) return;
    let current = true;
    const timer = setTimeout(() => {
      chat.account.findUsers(prefix).then(
        (users) => current && setFound(users),
        (reason: unknown) => current && setError(explain(reason)),
      );
    }, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [prefix]);

  const offered = found?.filter(({ id }) => !without.has(id)) ?? [];
  const pick = (user: User) => {
    setText("");
    // The button that was pressed goes with the others.
    input.current?.focus();
    onPick(user);
  };
  return (
    <div className="picker">
      <Field
        label={label}
        name="people"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        hint="Two letters of the user name, or more."
        inputRef={input}
        data-autofocus={first}
        value={text}
        error={error}
        onValue={setText}
      />
      <p className="visually-hidden" role="status">
        {found && count(offered.length, "person", "people")}
      </p>
      {found && offered.length === 0 && <p className="muted">Nobody else has a user name that begins so.</p>}
      {offered.length > 0 && (
        <ul className="rows" aria-label="Found">
          {offered.map((user) => (
            <li key={user.id} className="row">
              <Avatar name={shownName(user)} id={user.id} src={user.avatar} />
              <PersonName user={user} />
              <button type="button" className="button small" disabled={busy} onClick={() => pick(user)} aria-label={`${action} ${user.username}`}>
                {action}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A name for show can be anybody's; the user name is his alone. */
export function PersonName({ user }: { user: User }) {
  return (
    <span className="row-text">
      <span className="row-name">{shownName(user)}</span>
      {user.displayName && <span className="muted">{user.username}</span>}
    </span>
  );
}
