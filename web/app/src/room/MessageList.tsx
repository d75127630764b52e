import { useCallback, useEffect, useRef, useState } from "react";
import { deliveryOf, RECEIPTS_MAX_MEMBERS, type Delivery, type Room, type RoomView, type User } from "@chat/sdk";
import { chat } from "../chat.js";
import { count, dateOf, dayLabel, explain } from "../format.js";
import { symbolOf } from "../rooms/title.js";
import { leavePlace } from "../router.js";
import { Icon } from "../ui/Icon.js";
import { Bubble } from "./Bubble.js";
import type { Deeds } from "./deeds.js";
import { changesOf, type BubbleRow, type Row } from "./rows.js";
import { useEditWindow, useNowFor } from "./useNow.js";
import { useReading } from "./useReading.js";
import { useScroll } from "./useScroll.js";

interface MessageListProps {
  room: Room;
  title: string;
  view: RoomView | null;
  rows: readonly Row[];
  users: ReadonlyMap<string, User>;
  me: string;
  editingId: string | null;
  /** The message that was asked for; another object each time. */
  target: { messageId: string } | null;
  hidden: ReadonlySet<string>;
  /** Nothing can be said just now. */
  silent: boolean;
  deeds: Deeds;
}

export function MessageList({ room, title, view, rows, users, me, editingId, target, hidden, silent, deeds }: MessageListProps) {
  const mayLoad = view !== null && view.hasOlder && !view.loading && !view.error;
  const detached = view?.hasNewer ?? false;
  const loadOlder = useCallback(() => void chat.loadOlder(room.id), [room.id]);
  const loadNewer = useCallback(() => void chat.messages.loadNewer(room.id), [room.id]);
  const firstBubble = rows.find((row) => row.kind === "bubble");
  const lastBubble = rows.findLast((row) => row.kind === "bubble");
  const { ref, atEnd, onScroll, jumpToEnd, showOne } = useScroll({
    firstKey: firstBubble?.key,
    content: rows,
    detached,
    loadOlder: mayLoad ? loadOlder : null,
    loadNewer: detached && view && !view.loading && !view.error ? loadNewer : null,
  });
  const windowMs = useEditWindow(room);
  const now = useNowFor(rows, windowMs);
  const unseen = useUnseen(rows, atEnd, detached);
  const goToEnd = useCallback(() => {
    jumpToEnd();
    leavePlace(room.id);
  }, [jumpToEnd, room.id]);
  useJumpOnOwnSend(rows, goToEnd);
  useReading(room.id, atEnd);

  useEffect(() => {
    const found = target && ref.current!.querySelector<HTMLElement>(`[data-message-id="${CSS.escape(target.messageId)}"]`);
    if (!found) return;
    showOne(found);
    found.focus({ preventScroll: true });
    // Again, where it was shown before.
    found.classList.remove("message-target");
    void found.offsetWidth;
    found.classList.add("message-target");
    // Once for each asking, wherever the list moves afterwards.
  }, [target]);

  return (
    <div className="messages-frame">
      {/* Focusable, so that the keyboard can scroll it. */}
      <div className="messages" ref={ref} onScroll={onScroll} tabIndex={0} role="region" aria-label={`Messages in ${title}`}>
        <div className="messages-inner">
          <Top room={room} title={title} view={view} writes={!silent && !room.archivedAt} />
          <ol className="message-list">
            {rows.map((row) =>
              row.kind !== "bubble" ? (
                <li key={row.key} className={`line line-${row.kind}`}>
                  <span>{row.kind === "day" ? dayLabel(row.at) : "New messages"}</span>
                </li>
              ) : (
                <Bubble
                  key={row.key}
                  row={row}
                  roomId={room.id}
                  me={me}
                  users={users}
                  quoted={view?.quotes.get((row.message ?? row.draft)?.replyTo ?? "")}
                  delivery={deliveryIn(room, view, row)}
                  changes={changesOf(row, room, now, windowMs, silent)}
                  editing={row.message !== null && row.message.id === editingId}
                  reachable={row === lastBubble}
                  hidden={hidden}
                  deeds={deeds}
                />
              ),
            )}
          </ol>
        </div>
      </div>
      {!atEnd && (
        <button
          type="button"
          className={`jump ${unseen > 0 ? "jump-news" : ""}`}
          onClick={() => {
            goToEnd();
            if (detached) chat.messages.jumpToEnd(room.id);
          }}
        >
          <Icon name="down" />
          {unseen > 0 ? count(unseen, "new message", "new messages") : "Jump to latest"}
        </button>
      )}
    </div>
  );
}

/** What stands above the first message: skeleton, error, or the room's beginning. */
function Top({ room, title, view, writes }: { room: Room; title: string; view: RoomView | null; writes: boolean }) {
  if (view?.error) {
    return (
      <div className="messages-note" role="alert">
        <p>{explain(view.error)}</p>
        <button type="button" className="button small" onClick={() => void chat.loadOlder(room.id)}>
          Try again
        </button>
      </div>
    );
  }
  if (!view?.historyLoaded) return <MessagesSkeleton />;
  if (view.hasOlder) return <p className="messages-more">{view.loading ? "Loading older messages…" : "\u00a0"}</p>;
  return (
    <div className="beginning">
      <span className="empty-symbol">
        <Icon name={symbolOf(room)} />
      </span>
      <h2>{title}</h2>
      <p>
        This is the beginning of the {room.kind === "direct" ? "conversation" : "room"}
        {room.createdAt && `, made on ${dateOf(room.createdAt)}`}.{view.entries.length === 0 && writes && " Write the first message below."}
      </p>
    </div>
  );
}

function MessagesSkeleton() {
  return (
    <div role="status" className="messages-skeleton">
      <span className="visually-hidden">Loading messages</span>
      {["long", "short", "own", "medium", "own-short"].map((size) => (
        <span key={size} className={`skeleton skeleton-bubble skeleton-${size}`} aria-hidden="true" />
      ))}
    </div>
  );
}

function deliveryIn(room: Room, view: RoomView | null, { own, message, authorId }: BubbleRow): Delivery | null {
  const members = room.memberCount ?? 0;
  if (!own || !message || !view?.receipts || members > RECEIPTS_MAX_MEMBERS) return null;
  return deliveryOf(message.seq, view.receipts, authorId, members);
}

const bubblesOf = (rows: readonly Row[]) => rows.filter((row): row is BubbleRow => row.kind === "bubble");

/** How many messages of others came since one last read the end. */
function useUnseen(rows: readonly Row[], atEnd: boolean, detached: boolean): number {
  const [seen, setSeen] = useState<number | null>(null);
  const newest = bubblesOf(rows).findLast((row) => row.message)?.message?.seq ?? 0;
  useEffect(() => {
    if (atEnd) setSeen(newest);
  }, [atEnd, newest]);
  if (atEnd || detached || seen === null) return 0;
  return bubblesOf(rows).filter((row) => !row.own && row.message && row.message.seq > seen).length;
}

/** Who sends wants to see it, wherever one was reading. */
function useJumpOnOwnSend(rows: readonly Row[], jumpToEnd: () => void): void {
  const drafts = bubblesOf(rows).filter((row) => row.draft).length;
  const before = useRef(drafts);
  useEffect(() => {
    if (drafts > before.current) jumpToEnd();
    before.current = drafts;
  }, [drafts, jumpToEnd]);
}
