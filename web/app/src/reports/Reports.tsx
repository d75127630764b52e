import { useCallback, useEffect, useState } from "react";
import { ApiError, type Report, type ReportAction, type ReportStatus, type Room } from "@chat/sdk";
import { chat, useChat } from "../chat.js";
import { Told } from "../told.js";
import { FormError } from "../ui/Field.js";
import { Said } from "../ui/Said.js";
import { useTask } from "../ui/useTask.js";
import { ReportCard } from "./ReportCard.js";

interface ReportsProps {
  /** Null: of the whole server. */
  roomId: string | null;
  status: ReportStatus;
  onLeave: () => void;
}

const NOTHING: Record<ReportStatus, string> = {
  open: "Nobody has reported anything that is still open.",
  resolved: "No report is resolved yet.",
};

/** What people complained of, page by page. One list for the life of the component. */
export function Reports({ roomId, status, onLeave }: ReportsProps) {
  const users = useChat("users", () => chat.knownUsers);
  const [reports, setReports] = useState<readonly Report[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const task = useTask();
  const roomOf = useRooms(reports ?? []);

  const load = useCallback(
    async (from?: string) => {
      const page = await chat.moderation.reports(roomId, status, from);
      setReports((before) => (from && before ? [...before, ...page.reports] : page.reports));
      setCursor(page.nextCursor);
    },
    [roomId, status],
  );
  const begin = () => void task.run(() => load());
  useEffect(begin, [load]);

  const resolve = async ({ id }: Report, action: ReportAction, reason?: string) => {
    setNote("");
    const done = await task.run(async () => {
      try {
        await chat.moderation.resolve(id, action, reason);
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "conflict") throw error;
        await load();
        throw new Told("Somebody else has resolved this report meanwhile.");
      }
      setReports((before) => before!.filter((report) => report.id !== id));
    });
    if (done) setNote(action === "delete" ? "The message is deleted." : "The report is closed.");
  };

  return (
    <>
      <FormError text={task.error} />
      {!reports && task.error && (
        <button type="button" className="button" onClick={begin}>
          Try again
        </button>
      )}
      <Said text={note} />
      {!reports && !task.error && (
        <p className="list-note" role="status">
          Loading reports…
        </p>
      )}
      {reports?.length === 0 && <p className="list-note">{NOTHING[status]}</p>}
      {reports && reports.length > 0 && (
        <ul className="reports" aria-label={status === "open" ? "Open reports" : "Resolved reports"}>
          {reports.map((report) => (
            <ReportCard
              key={report.id}
              report={report}
              users={users}
              room={roomOf(report.message.roomId)}
              namesRoom={roomId === null}
              busy={task.busy}
              onResolve={(action, reason) => void resolve(report, action, reason)}
              onLeave={onLeave}
            />
          ))}
        </ul>
      )}
      {cursor && (
        <button type="button" className="button wide" disabled={task.busy} onClick={() => void task.run(() => load(cursor))}>
          Show more
        </button>
      )}
    </>
  );
}

/** One's own rooms are known; public ones can be asked for, private ones are told to nobody else. */
function useRooms(reports: readonly Report[]): (roomId: string) => Room | null {
  const own = useChat("rooms", () => chat.rooms);
  const [found, setFound] = useState<ReadonlyMap<string, Room | null>>(new Map());
  const known = (roomId: string) => own?.find(({ id }) => id === roomId) ?? found.get(roomId);
  const missing = own ? [...new Set(reports.map(({ message }) => message.roomId))].filter((roomId) => known(roomId) === undefined) : [];
  useEffect(() => {
    for (const roomId of missing) {
      const keep = (room: Room | null) => setFound((before) => new Map(before).set(roomId, room));
      keep(null);
      chat.api.room(roomId).then(keep, () => {});
    }
    // The same rooms are the same list.
  }, [missing.join()]);
  return (roomId) => known(roomId) ?? null;
}
