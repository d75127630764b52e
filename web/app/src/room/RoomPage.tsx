import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Message, Room, User } from "@chat/sdk";
import { hiddenIn, loadBlocked, useBlocked } from "../blocked.js";
import { chat, trayOf, useChat } from "../chat.js";
import { useDrop } from "../files/useDrop.js";
import { dateOf, explain, nameOf } from "../format.js";
import { partnerIn } from "../rooms/partner.js";
import { titleOf } from "../rooms/title.js";
import { linkTo, messageHref } from "../router.js";
import { Announcer } from "./Announcer.js";
import { Composer, focusComposer } from "./Composer.js";
import type { Deeds } from "./deeds.js";
import { MessageList } from "./MessageList.js";
import { mayPin } from "./powers.js";
import { RoomDialogs, type RoomDialog } from "./RoomDialogs.js";
import { RoomHeader } from "./RoomHeader.js";
import { buildRows, changesOf, firstUnseen } from "./rows.js";
import { StatusLine } from "./StatusLine.js";
import { ThreadPanel } from "./ThreadPanel.js";
import { useHold } from "./useHold.js";
import { useNotice } from "./useNotice.js";
import { useEditWindow } from "./useNow.js";

interface RoomPageProps {
  room: Room;
  user: User;
  /** What the address names; another object each time it is asked for. */
  place: { messageId: string | null };
}

export function RoomPage({ room, user, place }: RoomPageProps) {
  const view = useChat(`room:${room.id}`, () => chat.room(room.id));
  const users = useChat("users", () => chat.knownUsers);
  const partner = partnerIn(room, user.id);
  const title = titleOf(room, partner);
  const [dialog, setDialog] = useState<RoomDialog | null>(null);
  const [editingId, setEditingId] = useState<string | null>(null);
  const [replying, setReplying] = useState<Message | null>(null);
  const [target, setTarget] = useState<{ messageId: string } | null>(null);
  const section = useRef<HTMLElement>(null);
  const [notice, say] = useNotice();
  const rows = useMemo(() => (view ? buildRows(view.entries, user.id, firstUnseen(view, user.id)) : []), [view, user.id]);
  const blocked = useBlocked();
  const isPair = room.kind === "direct" && partner !== null;
  const hidden = hiddenIn(isPair, blocked);
  const blocks = isPair && blocked.has(partner.id);
  const hold = useHold(room, view, user.id, blocks);
  const windowMs = useEditWindow(room);
  const closed = Boolean(room.archivedAt);
  const silent = hold?.silent ?? false;
  const quiet = closed || silent;
  const pins = mayPin(room) && !closed && !blocks;

  useEffect(() => {
    chat.openRoom(room.id);
    void loadBlocked();
    return () => {
      chat.messages.openThread(room.id, null);
      chat.closeRoom(room.id);
    };
  }, [room.id]);
  useEffect(() => {
    document.title = `${title} · Chat`;
  }, [title]);

  const jump = useCallback(
    async (id: string) => {
      try {
        if (!(await chat.messages.jumpTo(room.id, id))) return say("This message does not exist any more.");
        // Where there is no place for both, the thread stands before the room.
        if (section.current?.checkVisibility?.() === false) chat.messages.openThread(room.id, null);
        setTarget({ messageId: id });
      } catch (reason) {
        say(explain(reason));
      }
    },
    [room.id, say],
  );
  // Once it is known where the room ends.
  const ready = view?.historyLoaded ?? false;
  useEffect(() => {
    if (place.messageId && ready) void jump(place.messageId);
  }, [place, ready, jump]);

  const deeds = useMemo<Deeds>(() => {
    const attempt = (asked: Promise<unknown>) => void asked.catch((reason: unknown) => say(explain(reason)));
    return {
      edit: setEditingId,
      delete: (message, returnFocus = focusComposer) => setDialog({ kind: "delete", message, returnFocus }),
      write: focusComposer,
      reply: quiet ? null : setReplying,
      react: quiet ? null : (message, emoji) => attempt(chat.messages.react(message, emoji, true)),
      unreact: closed ? null : (message, emoji) => attempt(chat.messages.react(message, emoji, false)),
      retry: quiet ? null : (clientMsgId) => chat.messages.retry(clientMsgId),
      thread: (rootId) => chat.messages.openThread(room.id, rootId),
      pin: pins ? (message) => attempt(chat.messages.pin(message, !message.isPinned)) : null,
      report: (message, returnFocus = focusComposer) => setDialog({ kind: "report", message, returnFocus }),
      copyLink: ({ id }) =>
        void navigator.clipboard.writeText(linkTo(messageHref(room.id, id))).then(
          () => say("The link is copied."),
          () => say("The browser does not allow copying. Open the message by its quote, and copy the address."),
        ),
    };
  }, [room.id, closed, quiet, pins, say]);

  const editLast = () => {
    const last = rows.findLast((row) => row.kind === "bubble" && changesOf(row, room, chat.people.clock.now(), windowMs, silent).edit);
    if (last?.kind === "bubble") setEditingId(last.message!.id);
  };
  const closeThread = useCallback(() => {
    chat.messages.openThread(room.id, null);
    focusComposer();
  }, [room.id]);

  const take = (files: File[]) => {
    trayOf(room.id).add(files);
    focusComposer();
  };
  const { over, handlers } = useDrop(quiet ? null : take);
  const thread = view?.thread ?? null;

  return (
    <div className={`room-frame ${thread ? "with-thread" : ""}`}>
      <section className="room" aria-labelledby="room-title" ref={section} {...handlers}>
        {over && (
          <p className="drop-veil" aria-hidden="true">
            Drop files to send them to {title}
          </p>
        )}
        <RoomHeader room={room} title={title} partner={partner} onDialog={(kind) => setDialog({ kind })} />
        <MessageList room={room} title={title} view={view} rows={rows} users={users} me={user.id} editingId={editingId} target={target} hidden={hidden} silent={silent} deeds={deeds} />
        <Announcer rows={rows} users={users} hidden={hidden} loaded={(view?.historyLoaded && !view.hasNewer) ?? false} />
        <StatusLine roomId={room.id} users={users} catchingUp={view?.catchingUp ?? false} notice={notice} />
        {closed ? (
          <p className="room-closed">This room is archived since {dateOf(room.archivedAt!)}: it can be read, and nothing can be written.</p>
        ) : (
          <Composer
            place={room.id}
            roomId={room.id}
            label={`Message to ${title}`}
            hold={hold}
            replying={replying && { message: replying, author: nameOf(users, replying.userId) }}
            editing={editingId !== null}
            onEditLast={editLast}
            onCancel={() => setReplying(null)}
          />
        )}
      </section>
      {thread && view && (
        <ThreadPanel
          key={thread.rootId}
          room={room}
          view={view}
          thread={thread}
          users={users}
          me={user.id}
          hold={hold}
          hidden={hidden}
          deeds={deeds}
          onClose={closeThread}
        />
      )}
      {dialog && <RoomDialogs room={room} user={user} users={users} dialog={dialog} onDialog={setDialog} onSaid={say} />}
    </div>
  );
}
