import { lazy, type Dispatch, type SetStateAction } from "react";
import type { Message, Room, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { count } from "../format.js";
import { leaveRoom } from "../router.js";
import { ConfirmDialog } from "../ui/ConfirmDialog.js";
import { Late } from "../ui/Late.js";
import { DeleteDialog } from "./DeleteDialog.js";
import { InviteDialog } from "./InviteDialog.js";
import { JumpDialog } from "./JumpDialog.js";
import { MembersDialog } from "./MembersDialog.js";
import { NotificationsDialog } from "./NotificationsDialog.js";
import { PinsDialog } from "./PinsDialog.js";
import { ReportDialog } from "./ReportDialog.js";
import type { HeaderDialog } from "./RoomHeader.js";
import { RoomSettingsDialog } from "./RoomSettingsDialog.js";

// For the few who look after a room.
const ReportsDialog = lazy(() => import("./ReportsDialog.js"));

export type RoomDialog = { kind: HeaderDialog | "invite" } | { kind: "delete" | "report"; message: Message; returnFocus: () => void };

interface RoomDialogsProps {
  room: Room;
  user: User;
  users: ReadonlyMap<string, User>;
  dialog: RoomDialog;
  onDialog: Dispatch<SetStateAction<RoomDialog | null>>;
  /** What there is to say when it is closed. */
  onSaid: (text: string) => void;
}

/** The one that is open in a room. */
export function RoomDialogs({ room, user, users, dialog, onDialog, onSaid }: RoomDialogsProps) {
  // Not another that was opened while this one still waited for its answer.
  const close = () => onDialog((open) => (open === dialog ? null : open));
  switch (dialog.kind) {
    case "members":
      return <MembersDialog room={room} userId={user.id} onInvite={() => onDialog({ kind: "invite" })} onClose={close} />;
    case "invite":
      return <InviteDialog room={room} onClose={close} />;
    case "pins":
      return <PinsDialog room={room} users={users} onClose={close} />;
    case "jump":
      return <JumpDialog room={room} onSaid={onSaid} onClose={close} />;
    case "notifications":
      return <NotificationsDialog room={room} onClose={close} />;
    case "settings":
      return <RoomSettingsDialog room={room} onClose={close} />;
    case "reports":
      return (
        <Late>
          <ReportsDialog room={room} onClose={close} />
        </Late>
      );
    case "leave":
      return (
        <ConfirmDialog
          title={`Leave ${room.name}?`}
          text={
            room.kind === "direct"
              ? "You read nothing more of it. Who asks the same people again gets a new conversation."
              : room.isPrivate
              ? "This room is private: you can come back only when an administrator or the owner lets you in."
              : `You can join again from the directory. ${count(Math.max(0, (room.memberCount ?? 1) - 1), "member stays", "members stay")}.`
          }
          action={room.kind === "direct" ? "Leave conversation" : "Leave room"}
          onConfirm={async () => {
            await chat.roomActions.leave(room.id);
            // Whoever opened another room meanwhile stays there.
            leaveRoom(room.id);
          }}
          onClose={close}
        />
      );
    case "delete":
      return <DeleteDialog message={dialog.message} own={dialog.message.userId === user.id} onClose={close} returnFocus={dialog.returnFocus} />;
    case "report":
      return <ReportDialog message={dialog.message} users={users} onSaid={onSaid} onClose={close} returnFocus={dialog.returnFocus} />;
  }
}
