import { useEffect, useMemo, useState } from "react";
import type { Message, Room, User } from "@chat/sdk";
import { chat, trayOf, useChat } from "../chat.js";
import { useDrop } from "../files/useDrop.js";
import { count, dateOf, presenceText } from "../format.js";
import { partnerIn } from "../rooms/partner.js";
import { symbolOf, titleOf } from "../rooms/title.js";
import { navigate } from "../router.js";
import { ConfirmDialog } from "../ui/ConfirmDialog.js";
import { Icon } from "../ui/Icon.js";
import { Announcer } from "./Announcer.js";
import { Composer, focusComposer } from "./Composer.js";
import { InviteDialog } from "./InviteDialog.js";
import { MembersDialog } from "./MembersDialog.js";
import { MessageList } from "./MessageList.js";
import { mayManage } from "./powers.js";
import { RoomSettingsDialog } from "./RoomSettingsDialog.js";
import { buildRows, canChange, editWindowOf } from "./rows.js";
import { StatusLine } from "./StatusLine.js";

type RoomDialog = { kind: "members" | "invite" | "settings" | "leave" } | { kind: "delete"; message: Message };

export function RoomPage({ room, user }: { room: Room; user: User }) {
  const topic = `room:${room.id}` as const;
  const view = useChat(topic, () => chat.room(room.id));
  const users = useChat("users", () => chat.knownUsers);
  const presence = useChat("presence", () => chat.presence);
  const partner = partnerIn(room, user.id);
  const title = titleOf(room, partner);
  const about = room.topic || room.description;
  const [dialog, setDialog] = useState<RoomDialog | null>(null);
  const [editingId, setEditingId] = useState<string | null>(null);
  const rows = useMemo(() => buildRows(view?.entries ?? [], user.id), [view, user.id]);

  useEffect(() => {
    chat.openRoom(room.id);
    return () => chat.closeRoom(room.id);
  }, [room.id]);
  useEffect(() => {
    document.title = `${title} · Chat`;
  }, [title]);

  const editLast = () => {
    const last = rows.findLast((row) => row.kind === "bubble" && canChange(row, Date.now(), editWindowOf(room)));
    if (last?.kind === "bubble") setEditingId(last.message!.id);
  };

  const take = (files: File[]) => {
    trayOf(room.id).add(files);
    focusComposer();
  };
  const { over, handlers } = useDrop(room.archivedAt ? null : take);

  return (
    <section className="room" aria-labelledby="room-title" {...handlers}>
      {over && (
        <p className="drop-veil" aria-hidden="true">
          Drop files to send them to {room.name}
        </p>
      )}
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
            <p>{[partner && presenceText(presence.get(partner.id)), about].filter(Boolean).join(" · ") || "\u00a0"}</p>
          )}
        </div>
        <button type="button" className="button quiet" onClick={() => setDialog({ kind: "members" })}>
          <Icon name="members" />
          <span className="visually-hidden">Members: </span>
          {(room.memberCount ?? room.members?.length ?? 1).toLocaleString()}
        </button>
        {mayManage(room) && (
          <button
            type="button"
            className="icon-button"
            onClick={() => setDialog({ kind: "settings" })}
            aria-label="Room settings"
            title="Room settings"
          >
            <Icon name="gear" />
          </button>
        )}
        {room.kind !== "direct" && (
          <button
            type="button"
            className="icon-button"
            onClick={() => setDialog({ kind: "leave" })}
            aria-label="Leave room"
            title="Leave room"
          >
            <Icon name="leave" />
          </button>
        )}
      </header>
      <MessageList
        room={room}
        view={view}
        rows={rows}
        users={users}
        editingId={editingId}
        onEdit={setEditingId}
        onDelete={(message) => setDialog({ kind: "delete", message })}
      />
      <Announcer rows={rows} users={users} loaded={view?.historyLoaded ?? false} />
      <StatusLine roomId={room.id} users={users} catchingUp={view?.catchingUp ?? false} />
      {room.archivedAt ? (
        <p className="room-closed">This room is archived since {dateOf(room.archivedAt)}: it can be read, and nothing can be written.</p>
      ) : (
        <Composer roomId={room.id} roomName={title} onEditLast={editLast} editing={editingId !== null} />
      )}
      {dialog?.kind === "members" && (
        <MembersDialog room={room} userId={user.id} onInvite={() => setDialog({ kind: "invite" })} onClose={() => setDialog(null)} />
      )}
      {dialog?.kind === "invite" && <InviteDialog room={room} onClose={() => setDialog(null)} />}
      {dialog?.kind === "settings" && <RoomSettingsDialog room={room} onClose={() => setDialog(null)} />}
      {dialog?.kind === "leave" && (
        <ConfirmDialog
          title={`Leave ${room.name}?`}
          text={
            room.isPrivate
              ? "This room is private: you can come back only when a member adds you."
              : `You can join again from the directory. ${count(Math.max(0, (room.memberCount ?? 1) - 1), "member stays", "members stay")}.`
          }
          action="Leave room"
          onConfirm={async () => {
            await chat.roomActions.leave(room.id);
            navigate("#/rooms");
          }}
          onClose={() => setDialog(null)}
        />
      )}
      {dialog?.kind === "delete" && (
        <ConfirmDialog
          title="Delete this message?"
          text="Its text disappears for everybody. This cannot be undone."
          action="Delete"
          onConfirm={() => chat.messages.delete(dialog.message)}
          onClose={() => setDialog(null)}
          returnFocus={focusComposer}
        />
      )}
    </section>
  );
}
