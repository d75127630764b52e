import { useCallback, useEffect, useState } from "react";
import type { Job, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { momentOf } from "../format.js";
import { FormError } from "../ui/Field.js";
import { saveFile } from "../ui/save.js";
import { useLoaded } from "../ui/useLoaded.js";
import { useTask } from "../ui/useTask.js";
import { DeleteAccountDialog } from "./DeleteAccountDialog.js";
import { ListSkeleton } from "./Devices.js";
import { Section } from "./Section.js";

const POLL_MS = 2_000;
const isGoing = ({ state }: Job) => state === "queued" || state === "running";

export function YourData({ user }: { user: User }) {
  const { value, error, reload } = useLoaded(useCallback(() => chat.account.jobs(), []));
  const exports = value?.filter(({ kind }) => kind === "export") ?? null;
  const [closing, setClosing] = useState(false);
  const task = useTask();
  const going = exports?.some(isGoing) ?? false;

  useEffect(() => {
    if (!going) return;
    const timer = setInterval(() => void reload(), POLL_MS);
    return () => clearInterval(timer);
  }, [going, reload]);

  return (
    <>
      <Section title="A copy of your data" lead="Your profile, your rooms and what you wrote, in one file. It is kept for you for 7 days.">
        <FormError text={error ?? task.error} />
        {!exports && !error && <ListSkeleton label="Loading your copies" />}
        {exports && exports.length > 0 && (
          <ul className="rows" aria-label="Copies">
            {exports.map((job) => (
              <ExportRow key={job.id} job={job} />
            ))}
          </ul>
        )}
        <div className="save-row">
          <button
            type="button"
            className="button"
            disabled={task.busy || going}
            onClick={() =>
              void task.run(async () => {
                await chat.account.startExport();
                await reload();
              })
            }
          >
            {going ? "A copy is being made…" : "Make a copy"}
          </button>
          {error && (
            <button type="button" className="button" onClick={() => void reload()}>
              Try again
            </button>
          )}
        </div>
      </Section>
      <Section title="Delete your account" lead="Your name, your address, your picture and your logins are removed for good. This cannot be undone.">
        <div className="save-row">
          <button type="button" className="button danger" onClick={() => setClosing(true)}>
            Delete my account
          </button>
        </div>
      </Section>
      {closing && <DeleteAccountDialog user={user} onClose={() => setClosing(false)} />}
    </>
  );
}

function ExportRow({ job }: { job: Job }) {
  const { busy, error, run } = useTask();
  const download = () =>
    void run(async () => {
      const file = await chat.account.jobResult(job.id);
      saveFile(file, `chat-${job.createdAt.slice(0, 10)}.${file.type.includes("zip") ? "zip" : "jsonl"}`);
    });
  const percent = Math.round(job.progress * 100);
  return (
    <li className="row row-wrap">
      <div className="row-text">
        <p className="row-name">Asked for {momentOf(job.createdAt)}</p>
        <p className="muted" role="status">
          {job.state === "queued" && "Waits for its turn"}
          {job.state === "running" && "Is being made"}
          {job.state === "done" && "Ready"}
          {job.state === "failed" && "Did not work. Ask for another one."}
        </p>
      </div>
      {isGoing(job) && (
        <progress max={100} value={percent} aria-label="How far the copy is">
          {percent} %
        </progress>
      )}
      {job.state === "done" && (
        <button type="button" className="button small" disabled={busy} onClick={download}>
          {busy ? "One moment…" : "Download"}
        </button>
      )}
      <FormError text={error} />
    </li>
  );
}
