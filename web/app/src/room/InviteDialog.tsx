import { useCallback, useMemo, useState, type FormEvent } from "react";
import type { Invite, Room, User } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { count, momentOf, nameOf } from "../format.js";
import { linkTo } from "../router.js";
import { Choice } from "../ui/Choice.js";
import { CopyButton } from "../ui/CopyButton.js";
import { Dialog } from "../ui/Dialog.js";
import { FormError } from "../ui/Field.js";
import { Said } from "../ui/Said.js";
import { useLoaded } from "../ui/useLoaded.js";
import { UserPicker } from "../ui/UserPicker.js";
import { useTask } from "../ui/useTask.js";
import { focusComposer } from "./Composer.js";
import { mayManage } from "./powers.js";

const HOUR = 3_600;
const DURATIONS: [number, string][] = [
  [HOUR, "1 hour"],
  [24 * HOUR, "1 day"],
  [7 * 24 * HOUR, "7 days"],
  [30 * 24 * HOUR, "30 days"],
];
const USES: [number, string][] = [
  [0, "any number of people"],
  [1, "1 person"],
  [10, "10 people"],
  [100, "100 people"],
];

/** Where a link leads: behind the `#`, so that no server on the way is told its token. */
export const linkOf = (token: string) => linkTo(`#/invite/${encodeURIComponent(token)}`);

export function InviteDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  const { value: invites, error, reload } = useLoaded(useCallback(() => chat.roomActions.invites(room.id), [room.id]));
  const view = useChat(`members:${room.id}`, () => chat.members(room.id));
  const users = useChat("users", () => chat.knownUsers);
  const task = useTask();
  const [note, setNote] = useState("");
  const without = useMemo(
    () => new Set([...(view?.members ?? []).map(({ id }) => id), ...(invites ?? []).flatMap(({ userId }) => userId ?? [])]),
    [view, invites],
  );

  const change = async (said: string, act: () => Promise<unknown>) => {
    setNote("");
    const done = await task.run(async () => {
      await act();
      await reload();
    });
    if (done) setNote(said);
  };
  const invite = (user: User) => void change(`${user.username} is invited.`, () => chat.roomActions.invite(room.id, user.id));

  return (
    <Dialog title={`Invite people to ${room.name}`} onClose={onClose} returnFocus={focusComposer}>
      <UserPicker label="Invite by user name" action="Invite" without={without} busy={task.busy} onPick={invite} />
      <FormError text={error ?? task.error} />
      <Said text={note} />
      {mayManage(room) && <LinkMaker roomId={room.id} onMade={() => void reload()} />}
      {invites && invites.length > 0 && (
        <section aria-label="Open invitations">
          <h3>Open invitations</h3>
          <ul className="rows">
            {invites.map((open) => (
              <li key={open.id} className="row">
                <div className="row-text">
                  <p className="row-name">{open.userId ? nameOf(users, open.userId) : "A link"}</p>
                  <p className="muted">{detailOf(open)}</p>
                </div>
                <button
                  type="button"
                  className="button small"
                  disabled={task.busy}
                  onClick={() => void change("The invitation is taken back.", () => chat.roomActions.revoke(room.id, open.id))}
                  aria-label={`Take back the invitation ${open.userId ? `of ${nameOf(users, open.userId)}` : `by link of ${momentOf(open.createdAt)}`}`}
                >
                  Take back
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Dialog>
  );
}

function detailOf({ userId, expiresAt, maxUses, uses, createdAt }: Invite): string {
  const parts = [`from ${momentOf(createdAt)}`];
  if (!userId) parts.push(maxUses === null ? `used ${count(uses, "time", "times")}` : `used ${uses} of ${maxUses} times`);
  if (expiresAt) parts.push(`good until ${momentOf(expiresAt)}`);
  return parts.join(" · ");
}

// The same function each time, or it would take the focus at each change.
const focus = (heading: HTMLElement | null) => heading?.focus();

function LinkMaker({ roomId, onMade }: { roomId: string; onMade: () => void }) {
  const [expiresIn, setExpiresIn] = useState(7 * 24 * HOUR);
  const [maxUses, setMaxUses] = useState(0);
  const [link, setLink] = useState<string | null>(null);
  const { busy, error, run } = useTask();

  const make = (event: FormEvent) => {
    event.preventDefault();
    void run(async () => {
      const made = await chat.roomActions.makeLink(roomId, { expiresIn, ...(maxUses > 0 ? { maxUses } : {}) });
      setLink(linkOf(made.token ?? ""));
      onMade();
    });
  };
  if (link) {
    return (
      <div className="callout" role="status">
        <h3 tabIndex={-1} ref={focus}>
          Your link
        </h3>
        <p>Whoever has it can come in. It is shown now and never again.</p>
        <p className="secret">{link}</p>
        <div className="save-row">
          <CopyButton text={link} label="Copy the link" />
          <button type="button" className="button small" onClick={() => setLink(null)}>
            Make another
          </button>
        </div>
      </div>
    );
  }
  return (
    <form className="form" onSubmit={make}>
      <h3>Or by a link</h3>
      <div className="choices-row">
        <Choice label="Good for" value={expiresIn} options={DURATIONS} onValue={setExpiresIn} />
        <Choice label="Lets in" value={maxUses} options={USES} onValue={setMaxUses} />
      </div>
      <FormError text={error} />
      <button type="submit" className="button" disabled={busy}>
        {busy ? "One moment…" : "Make a link"}
      </button>
    </form>
  );
}
