import { useMemo } from "react";
import type { Room, User } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { count } from "../format.js";
import { Dialog } from "../ui/Dialog.js";
import { FormError } from "../ui/Field.js";
import { Said, useSaid } from "../ui/Said.js";
import { UserPicker } from "../ui/UserPicker.js";
import { useTask } from "../ui/useTask.js";
import { Banned } from "./Banned.js";
import { MemberRow } from "./MemberRow.js";
import { mayInvite, mayManage } from "./powers.js";

interface MembersDialogProps {
  room: Room;
  userId: string;
  onInvite: () => void;
  onClose: () => void;
}

export function MembersDialog({ room, userId, onInvite, onClose }: MembersDialogProps) {
  const view = useChat(`members:${room.id}`, () => chat.members(room.id));
  const presence = useChat("presence", () => chat.presence);
  const [said, say] = useSaid();
  const task = useTask();
  const members = view?.members ?? [];
  const without = useMemo(() => new Set(members.map(({ id }) => id)), [members]);

  const add = async (user: User) => {
    if (await task.run(() => chat.roomActions.addMember(room.id, user.id))) say(`${user.username} is in the room now.`);
  };

  return (
    <Dialog title="Members" variant="drawer" onClose={onClose}>
      <p className="dialog-text">
        {count(room.memberCount ?? members.length, "person", "people")} in {room.name}
      </p>
      {mayInvite(room) && (
        <button type="button" className="button wide" onClick={onInvite}>
          Invite people
        </button>
      )}
      {mayManage(room) && <UserPicker label="Add somebody at once" action="Add" without={without} busy={task.busy} onPick={(user) => void add(user)} />}
      <FormError text={task.error} />
      <Said {...said} />
      <ul className="member-list">
        {members.map((member) => (
          <MemberRow
            key={member.id}
            room={room}
            member={member}
            presence={presence.get(member.id)}
            isMe={member.id === userId}
            onSaid={say}
            onClose={onClose}
          />
        ))}
      </ul>
      {view?.loading && members.length === 0 && (
        <p className="list-note" role="status">
          Loading members…
        </p>
      )}
      {view?.failed && (
        <p className="list-note" role="alert">
          The members could not be loaded.
        </p>
      )}
      {view && !view.loading && (view.hasMore || view.failed) && (
        <button type="button" className="button wide" onClick={() => void chat.loadMoreMembers(room.id)}>
          {view.failed ? "Try again" : "Show more"}
        </button>
      )}
      {mayManage(room) && <Banned roomId={room.id} turn={said.turn} onSaid={say} />}
    </Dialog>
  );
}
