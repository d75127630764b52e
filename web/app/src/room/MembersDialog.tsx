import type { Room } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { count, presenceText } from "../format.js";
import { Avatar } from "../ui/Avatar.js";
import { Dialog } from "../ui/Dialog.js";

interface MembersDialogProps {
  room: Room;
  userId: string;
  onClose: () => void;
}

export function MembersDialog({ room, userId, onClose }: MembersDialogProps) {
  const view = useChat(`members:${room.id}`, () => chat.members(room.id));
  const presence = useChat("presence", () => chat.presence);
  const members = view?.members ?? [];
  return (
    <Dialog title="Members" variant="drawer" onClose={onClose}>
      <p className="dialog-text">
        {count(room.memberCount ?? members.length, "person", "people")} in {room.name}
      </p>
      <ul className="member-list">
        {members.map((member) => (
          <li key={member.id} className="member">
            <Avatar name={member.username} id={member.id} presence={presence.get(member.id)} />
            <span className="member-text">
              <span className="member-name">{member.username}</span>
              <span className="member-presence">{presenceText(presence.get(member.id))}</span>
            </span>
            {member.id === userId && <span className="tag">you</span>}
          </li>
        ))}
      </ul>
      {view?.loading && (
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
    </Dialog>
  );
}
