import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Room, RoomView, ThreadView, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { count, explain } from "../format.js";
import { Icon } from "../ui/Icon.js";
import { Bubble } from "./Bubble.js";
import { Composer, focusReply } from "./Composer.js";
import type { Deeds } from "./deeds.js";
import { buildRows, changesOf, type BubbleRow } from "./rows.js";
import type { Hold } from "./useHold.js";
import { useEditWindow, useNowFor } from "./useNow.js";
import { useScroll } from "./useScroll.js";

interface ThreadPanelProps {
  room: Room;
  view: RoomView;
  thread: ThreadView;
  users: ReadonlyMap<string, User>;
  me: string;
  hold: Hold | null;
  hidden: ReadonlySet<string>;
  deeds: Deeds;
  onClose: () => void;
}

/** A message and the replies to it, beside the room; on a phone, in its place. */
export function ThreadPanel({ room, view, thread, users, me, hold, hidden, deeds, onClose }: ThreadPanelProps) {
  const { root, rootId, rootHidden, entries, hasOlder, loading, error } = thread;
  // Of its own: the same message may stand in the room beside it.
  const [editingId, setEditingId] = useState<string | null>(null);
  const inside = useMemo<Deeds>(
    () => ({
      ...deeds,
      edit: setEditingId,
      write: focusReply,
      delete: (message) => deeds.delete(message, focusReply),
      report: (message) => deeds.report(message, focusReply),
      thread: null,
      reply: null,
    }),
    [deeds],
  );
  const rootRow = useMemo(() => (root ? bubblesOf(buildRows([{ key: rootId, kind: "message", message: root }], me)) : []), [root, rootId, me]);
  const replies = useMemo(() => bubblesOf(buildRows(entries, me)), [entries, me]);

  const windowMs = useEditWindow(room);
  const now = useNowFor([...rootRow, ...replies], windowMs);

  const { ref, atEnd, onScroll, jumpToEnd } = useScroll({
    firstKey: replies[0]?.key,
    content: replies,
    detached: false,
    // Older ones come when somebody asks for them.
    loadOlder: null,
    loadNewer: null,
  });
  useEffect(() => {
    if (atEnd) chat.messages.threadSeen(room.id);
  }, [room.id, entries.length, atEnd]);

  // The button that asked for earlier ones goes with the last of them.
  const asked = useRef(false);
  const loadOlder = () => {
    asked.current = true;
    chat.messages.loadOlderReplies(room.id);
  };
  useEffect(() => {
    if (loading || !asked.current) return;
    asked.current = false;
    if (document.activeElement === document.body) ref.current!.focus({ preventScroll: true });
  }, [loading]);

  // Who sends wants to see it, wherever one was reading.
  const drafts = replies.filter(({ draft }) => draft).length;
  const draftsBefore = useRef(drafts);
  useLayoutEffect(() => {
    if (drafts > draftsBefore.current) jumpToEnd();
    draftsBefore.current = drafts;
  }, [drafts, jumpToEnd]);

  const bubble = (row: BubbleRow, reachable: boolean) => (
    <Bubble
      key={row.key}
      row={row}
      roomId={room.id}
      me={me}
      users={users}
      quoted={quotedIn(row, rootId, view)}
      delivery={null}
      changes={changesOf(row, room, now, windowMs, hold?.silent ?? false)}
      editing={row.message !== null && row.message.id === editingId}
      reachable={reachable}
      hidden={hidden}
      deeds={inside}
    />
  );
  return (
    <aside
      className="thread"
      aria-labelledby="thread-title"
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented) onClose();
      }}
    >
      <header className="room-header">
        <div className="room-heading">
          <h1 id="thread-title">Thread</h1>
          <p>{root?.thread ? count(root.thread.replies, "reply", "replies") : rootHidden ? "Replies since you joined" : "No replies yet"}</p>
        </div>
        <button type="button" className="icon-button" onClick={onClose} aria-label="Close the thread" title="Close">
          <Icon name="close" />
        </button>
      </header>
      <div className="messages" ref={ref} onScroll={onScroll} tabIndex={0} role="region" aria-label="Messages of the thread">
        <div className="messages-inner">
          {rootRow.length > 0 && <ol className="message-list thread-root">{rootRow.map((row) => bubble(row, false))}</ol>}
          {rootHidden && <p className="list-note">The message that this thread began with is from before you joined.</p>}
          {error && (
            <div className="messages-note" role="alert">
              <p>{explain(error)}</p>
            </div>
          )}
          {(hasOlder || error) && (
            // Not disabled while they come, or it would lose the focus.
            <button type="button" className="button small" aria-disabled={loading} onClick={loadOlder}>
              {error ? "Try again" : "Earlier replies"}
            </button>
          )}
          {loading && replies.length === 0 && (
            <p className="list-note" role="status">
              Loading replies…
            </p>
          )}
          <ol className="message-list">{replies.map((row, index) => bubble(row, index === replies.length - 1))}</ol>
        </div>
      </div>
      {room.archivedAt ? null : (
        <Composer
          key={rootId}
          place={`${room.id}/${rootId}`}
          roomId={room.id}
          label="Reply in the thread"
          hold={hold}
          replyTo={rootHidden ? (replies.findLast(({ message }) => message)?.message?.id ?? rootId) : rootId}
          editing={editingId !== null}
          onCancel={onClose}
        />
      )}
    </aside>
  );
}

const bubblesOf = (rows: ReturnType<typeof buildRows>) => rows.filter((row): row is BubbleRow => row.kind === "bubble");

/** The first message stands above all of them: only answers to others are marked. */
function quotedIn(row: BubbleRow, rootId: string, view: RoomView) {
  const replyTo = (row.message ?? row.draft)?.replyTo ?? "";
  return replyTo === rootId ? false : view.quotes.get(replyTo);
}
