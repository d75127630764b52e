import { lazy, useEffect, useState } from "react";
import type { User } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { RoomPage } from "../room/RoomPage.js";
import type { Route } from "../router.js";
import { Late } from "../ui/Late.js";
import { ConnectionBanner } from "./ConnectionBanner.js";
import { CreateRoomDialog } from "./CreateRoomDialog.js";
import { DirectDialog } from "./DirectDialog.js";
import { DirectoryDialog } from "./DirectoryDialog.js";
import { NoRoom } from "./NoRoom.js";
import { RoomPreview } from "./RoomPreview.js";
import { Sidebar } from "./Sidebar.js";
import { StrandedBanner } from "./StrandedBanner.js";
import { VerifyBanner } from "./VerifyBanner.js";

// Seldom opened: nobody waits for it before the first message.
const SettingsPage = lazy(() => import("../settings/SettingsPage.js"));

const ReportsPage = lazy(() => import("../reports/ReportsPage.js"));

const SearchDialog = lazy(() => import("./SearchDialog.js"));

export type ShellDialog = "create" | "directory" | "direct" | "search";

interface ShellProps {
  user: User;
  route: Route;
}

/**
 * The two halves of the page; on a phone, the one that is asked for. Either may
 * be hidden, so the landmark is around both.
 */
export function Shell({ user, route }: ShellProps) {
  const settings = route.page === "settings" ? route.section : null;
  const reports = route.page === "reports" ? route.status : null;
  const roomId = route.page === "room" ? route.roomId : null;
  const rooms = useChat("rooms", () => chat.rooms);
  const roomsError = useChat("rooms", () => chat.roomsError);
  const [dialog, setDialog] = useState<ShellDialog | null>(null);
  const room = rooms?.find((candidate) => candidate.id === roomId);

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      // What is open has the keyboard.
      if (document.querySelector("dialog[open]")) return;
      event.preventDefault();
      setDialog("search");
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);

  return (
    <main className="shell" data-view={roomId || settings || reports ? "room" : "list"}>
      <a className="skip-link" href="#conversation" onClick={focusConversation}>
        Skip to conversation
      </a>
      <div className="banner-slot">
        <ConnectionBanner />
        <VerifyBanner user={user} />
        <StrandedBanner />
      </div>
      <Sidebar user={user} rooms={rooms} error={roomsError} roomId={roomId} onDialog={setDialog} />
      <div className="main" id="conversation" tabIndex={-1}>
        {settings ? (
          <Late>
            <SettingsPage user={user} section={settings} />
          </Late>
        ) : reports ? (
          <Late>
            <ReportsPage status={reports} />
          </Late>
        ) : room && route.page === "room" ? (
          <RoomPage key={room.id} room={room} user={user} place={route} />
        ) : roomId && rooms ? (
          <RoomPreview key={roomId} roomId={roomId} />
        ) : (
          <NoRoom hasRooms={rooms === null || rooms.length > 0} loading={roomId !== null} onDialog={setDialog} />
        )}
      </div>
      {dialog === "direct" && <DirectDialog user={user} onClose={() => setDialog(null)} />}
      {dialog === "create" && <CreateRoomDialog user={user} onClose={() => setDialog(null)} />}
      {dialog === "search" && (
        <Late>
          <SearchDialog begin={room && room.kind !== "direct" ? `in:${quoted(room.name)} ` : ""} onClose={() => setDialog(null)} />
        </Late>
      )}
      {dialog === "directory" && <DirectoryDialog onClose={() => setDialog(null)} />}
    </main>
  );
}

/** A name of several words, or with signs, is one to the search. */
const quoted = (name: string) => (/^[\p{L}\p{N}_.-]+$/u.test(name) ? name : `"${name.replaceAll('"', "")}"`);

/** The hash is the route, so the link must not change it. */
function focusConversation(event: { preventDefault(): void }) {
  event.preventDefault();
  document.getElementById("conversation")?.focus();
}
