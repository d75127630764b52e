import { useState } from "react";
import type { ApiError, Presence, Room, RoomState, User } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { count, explain, presenceText, shownName } from "../format.js";
import { roomHref } from "../router.js";
import { Avatar } from "../ui/Avatar.js";
import { ConfirmDialog } from "../ui/ConfirmDialog.js";
import { isMuted } from "../room/muted.js";
import { mayModerate } from "../room/powers.js";
import { Icon, type IconName } from "../ui/Icon.js";
import { symbolOf, titleOf } from "./title.js";
import { PresenceDot } from "../ui/PresenceDot.js";
import { MyInvites } from "./MyInvites.js";
import { partnerIn } from "./partner.js";
import type { ShellDialog } from "./Shell.js";

interface SidebarProps {
  user: User;
  rooms: readonly Room[] | null;
  error: ApiError | null;
  roomId: string | null;
  onDialog: (dialog: ShellDialog) => void;
}

export function Sidebar({ user, rooms, error, roomId, onDialog }: SidebarProps) {
  return (
    <div className="sidebar">
      <div className="sidebar-header">
        <span className="brand-mark">
          <Icon name="bubble" />
        </span>
        <h1>Chat</h1>
        <button
          type="button"
          className="icon-button"
          onClick={() => onDialog("search")}
          aria-label="Search messages"
          aria-keyshortcuts="Control+K"
          title="Search messages (Ctrl + K)"
        >
          <Icon name="search" />
        </button>
        <button type="button" className="icon-button" onClick={() => onDialog("directory")} aria-label="Browse rooms" title="Browse rooms">
          <Icon name="compass" />
        </button>
        <button
          type="button"
          className="icon-button"
          onClick={() => onDialog("direct")}
          aria-label="New conversation"
          title="New conversation"
        >
          <Icon name="people" />
        </button>
        <button type="button" className="icon-button" onClick={() => onDialog("create")} aria-label="New room" title="New room">
          <Icon name="plus" />
        </button>
      </div>
      <nav className="sidebar-rooms" aria-label="Your rooms">
        <MyInvites />
        <RoomList user={user} rooms={rooms} error={error} roomId={roomId} onDialog={onDialog} />
      </nav>
      <Account user={user} />
    </div>
  );
}

function RoomList({ user, rooms, error, roomId, onDialog }: SidebarProps) {
  const states = useChat("unread", () => chat.roomStates);
  const presence = useChat("presence", () => chat.presence);
  if (!rooms) {
    if (!error) return <RoomListSkeleton />;
    return (
      <div className="sidebar-note">
        <p>{explain(error)}</p>
        <button type="button" className="button small" onClick={() => void chat.refreshRooms()}>
          Try again
        </button>
      </div>
    );
  }
  if (rooms.length === 0) {
    return (
      <div className="sidebar-note">
        <p>Rooms you join appear here.</p>
        <div className="sidebar-actions">
          <button type="button" className="button small" onClick={() => onDialog("directory")}>
            Browse rooms
          </button>
          <button type="button" className="button small" onClick={() => onDialog("create")}>
            New room
          </button>
        </div>
      </div>
    );
  }
  return (
    <ul className="room-list">
      {rooms.map((room) => (
        <RoomLink
          key={room.id}
          room={room}
          current={room.id === roomId}
          state={states.get(room.id)}
          partner={partnerIn(room, user.id)}
          presence={presence}
        />
      ))}
    </ul>
  );
}

interface RoomLinkProps {
  room: Room;
  current: boolean;
  state: RoomState | undefined;
  partner: User | null;
  presence: ReadonlyMap<string, Presence>;
}

function RoomLink({ room, current, state, partner, presence }: RoomLinkProps) {
  const muted = isMuted(room.settings) || room.settings?.notifications === "none";
  const unread = state?.unread ?? 0;
  const mentions = state?.mentions ?? 0;
  const there = partner ? presence.get(partner.id) : undefined;
  const members = count(room.memberCount ?? room.members?.length ?? 1, "member", "members");
  return (
    <li>
      <a className={`room-link ${unread > 0 ? "room-news" : ""}`} href={roomHref(room.id)} aria-current={current ? "page" : undefined}>
        {room.kind === "direct" && partner ? (
          <Avatar name={shownName(partner)} id={partner.id} src={partner.avatar} presence={there} />
        ) : (
          <span className="room-symbol">
            <Icon name={symbolOf(room)} />
            <PresenceDot presence={there} />
          </span>
        )}
        <span className="room-link-text">
          <span className="room-link-name">
            {titleOf(room, partner)}
            {room.settings?.isFavourite && <Mark icon="star" text="favourite" />}
            {muted && <Mark icon="mute" text="muted" />}
          </span>
          <span className="room-link-detail">
            {detailOf(room, members)}
            {partner && there && <span className="visually-hidden">{` ${partner.username} is ${presenceText(there)}`}</span>}
          </span>
        </span>
        {unread > 0 && (
          <span className="badges">
            {mentions > 0 && (
              <span className="badge badge-mention">
                <span aria-hidden="true">{`@${badge(mentions)}`}</span>
                <span className="visually-hidden">{count(mentions, "mention", "mentions")}</span>
              </span>
            )}
            <span className={`badge ${muted ? "badge-muted" : ""}`}>
              <span aria-hidden="true">{badge(unread)}</span>
              <span className="visually-hidden">{count(unread, "unread message", "unread messages")}</span>
            </span>
          </span>
        )}
      </a>
    </li>
  );
}

function detailOf(room: Room, members: string): string {
  if (room.kind === "direct") return room.memberCount === 2 ? "Conversation" : `Conversation · ${members}`;
  return [room.archivedAt && "Archived", room.isPrivate && "Private", members].filter(Boolean).join(" · ");
}

function Mark({ icon, text }: { icon: IconName; text: string }) {
  return (
    <span className="room-mark" role="img" aria-label={text} title={text}>
      <Icon name={icon} />
    </span>
  );
}

const badge = (n: number) => (n > 99 ? "99+" : String(n));

function RoomListSkeleton() {
  return (
    <div role="status" className="room-list-skeleton">
      <span className="visually-hidden">Loading your rooms</span>
      {[0, 1, 2, 3].map((row) => (
        <div key={row} className="skeleton-row" aria-hidden="true">
          <span className="skeleton skeleton-square" />
          <span className="skeleton skeleton-line" />
        </div>
      ))}
    </div>
  );
}

function Account({ user }: { user: User }) {
  const [confirming, setConfirming] = useState(false);
  const logOut = () => {
    if (chat.unsentCount > 0) setConfirming(true);
    else void chat.logout();
  };
  return (
    <div className="account">
      <a className="account-link" href="#/settings/profile" aria-label={`${user.username}: settings`} title="Settings">
        <Avatar name={shownName(user)} id={user.id} src={user.avatar} />
        <span className="account-name">{shownName(user)}</span>
        <Icon name="gear" />
      </a>
      {mayModerate(user) && (
        <a className="icon-button" href="#/reports/open" aria-label="Reported messages" title="Reported messages">
          <Icon name="flag" />
        </a>
      )}
      <button type="button" className="icon-button" onClick={logOut} aria-label="Log out" title="Log out">
        <Icon name="power" />
      </button>
      {confirming && (
        <ConfirmDialog
          title="Log out and lose messages?"
          text={`${count(chat.unsentCount, "message has", "messages have")} not been sent yet. Logging out discards what is unsent.`}
          action="Log out"
          onConfirm={() => chat.logout()}
          onClose={() => setConfirming(false)}
        />
      )}
    </div>
  );
}
