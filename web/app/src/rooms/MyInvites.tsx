import type { InvitePreview } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { shownName } from "../format.js";
import { navigate, roomHref } from "../router.js";
import { FormError } from "../ui/Field.js";
import { useTask } from "../ui/useTask.js";

/** Above one's rooms, as long as something waits for an answer. */
export function MyInvites() {
  const invites = useChat("invites", () => chat.roomActions.myInvites);
  if (invites.length === 0) return null;
  return (
    <section className="my-invites" aria-label="Invitations">
      <ul>
        {invites.map((invite) => (
          <Invitation key={invite.invite.id} preview={invite} />
        ))}
      </ul>
    </section>
  );
}

function Invitation({ preview: { invite, room } }: { preview: InvitePreview }) {
  const users = useChat("users", () => chat.knownUsers);
  const { busy, error, run } = useTask();
  const by = users.get(invite.invitedBy);
  return (
    <li className="my-invite">
      <p>
        {by ? <strong>{shownName(by)}</strong> : "Somebody"} invites you to <strong>{room.name}</strong>
      </p>
      <FormError text={error} />
      <div className="save-row">
        <button
          type="button"
          className="button small primary"
          disabled={busy}
          onClick={() => void run(async () => navigate(roomHref((await chat.roomActions.acceptMine(invite.id)).id)))}
          aria-label={`Join ${room.name}`}
        >
          Join
        </button>
        <button
          type="button"
          className="button small"
          disabled={busy}
          onClick={() => void run(() => chat.roomActions.decline(invite.id))}
          aria-label={`Decline the invitation to ${room.name}`}
        >
          Decline
        </button>
      </div>
    </li>
  );
}
