import type { Room, User } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { presenceText, shownName } from "../format.js";
import { symbolOf } from "../rooms/title.js";
import { Icon } from "../ui/Icon.js";
import { MenuButton, type Choice } from "../ui/MenuButton.js";
import { mayLeave, mayManage } from "./powers.js";

export type HeaderDialog = "members" | "pins" | "jump" | "notifications" | "settings" | "reports" | "leave";

interface RoomHeaderProps {
  room: Room;
  title: string;
  partner: User | null;
  onDialog: (dialog: HeaderDialog) => void;
}

export function RoomHeader({ room, title, partner, onDialog }: RoomHeaderProps) {
  const presence = useChat("presence", () => chat.presence);
  const about = room.topic || room.description;
  const there = partner && presenceText(presence.get(partner.id));
  // A conversation is called by him anyway.
  const who = there && room.kind !== "direct" ? `${shownName(partner)}: ${there}` : there;
  const choice = (label: string, icon: Choice["icon"], dialog: HeaderDialog, danger = false): Choice => ({
    label,
    icon,
    danger,
    act: () => onDialog(dialog),
  });
  const choices = [
    choice("Pinned messages", "pin", "pins"),
    choice("Jump to date", "calendar", "jump"),
    choice("Notifications", "bell", "notifications"),
  ];
  if (mayManage(room)) choices.push(choice("Room settings", "gear", "settings"), choice("Reported messages", "flag", "reports"));
  if (mayLeave(room)) choices.push(choice(room.kind === "direct" ? "Leave conversation" : "Leave room", "leave", "leave", true));
  return (
    <header className="room-header">
      <a className="icon-button room-back" href="#/rooms" aria-label="Back to your rooms">
        <Icon name="back" />
      </a>
      <span className="room-symbol">
        <Icon name={symbolOf(room)} />
      </span>
      <div className="room-heading">
        <h1 id="room-title">{title}</h1>
        {/* A line of its own from the start, lest the name jump when the presence comes. */}
        {(partner || about) && (
          <p>{[who, about].filter(Boolean).join(" · ") || "\u00a0"}</p>
        )}
      </div>
      <button type="button" className="button quiet" onClick={() => onDialog("members")}>
        <Icon name="members" />
        <span className="visually-hidden">Members: </span>
        {(room.memberCount ?? room.members?.length ?? 1).toLocaleString()}
      </button>
      <MenuButton label="More about this room" title="More" choices={choices} />
    </header>
  );
}
