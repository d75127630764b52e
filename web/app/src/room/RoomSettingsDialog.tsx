import { useState, type FormEvent } from "react";
import type { Room, RoomChange } from "@chat/sdk";
import { chat } from "../chat.js";
import { durationOf } from "../format.js";
import { SaveRow } from "../settings/Section.js";
import { Choice } from "../ui/Choice.js";
import { Dialog } from "../ui/Dialog.js";
import { Field, FormError } from "../ui/Field.js";
import { useTask } from "../ui/useTask.js";

const SLOW: [number, string][] = [
  [0, "off"],
  [10, "10 seconds"],
  [30, "30 seconds"],
  [60, "1 minute"],
  [300, "5 minutes"],
  [900, "15 minutes"],
  [3_600, "1 hour"],
];
const NO_TIME = "no time";
const AS_EVERYWHERE = -1;
const WINDOWS: [number, string][] = [
  [0, NO_TIME],
  [300, "5 minutes"],
  [3_600, "1 hour"],
  [86_400, "1 day"],
  [2_678_400, "31 days"],
];

/** What was set otherwise, by a program, stays what it is. */
const withOwn = (options: [number, string][], own: number): [number, string][] =>
  options.some(([seconds]) => seconds === own) ? options : [...options, [own, durationOf(own)]];

export function RoomSettingsDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  // What others change meanwhile stays as they made it: only what is changed here is asked for.
  const [begun] = useState(room);
  const [name, setName] = useState(room.name);
  const [description, setDescription] = useState(room.description ?? "");
  const [topic, setTopic] = useState(room.topic ?? "");
  const [sinceJoined, setSinceJoined] = useState(room.historyVisibility === "sinceJoined");
  const [slow, setSlow] = useState(room.slowModeSeconds ?? 0);
  const [editWindow, setEditWindow] = useState(room.editWindowSeconds ?? AS_EVERYWHERE);
  const form = useTask(["name", "description", "topic"]);
  const archive = useTask();
  const archived = Boolean(room.archivedAt);
  const everywhere = chat.messages.limits.editWindowSeconds;
  const windows: [number, string][] = [[AS_EVERYWHERE, `as everywhere: ${everywhere > 0 ? durationOf(everywhere) : NO_TIME}`], ...WINDOWS];

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!name.trim()) return form.refuse({ name: "Give the room a name." });
    const change: RoomChange = {
      ...(name.trim() !== begun.name && { name: name.trim() }),
      ...(description.trim() !== (begun.description ?? "") && { description: description.trim() }),
      ...(topic.trim() !== (begun.topic ?? "") && { topic: topic.trim() }),
      ...(sinceJoined !== (begun.historyVisibility === "sinceJoined") && { historyVisibility: sinceJoined ? "sinceJoined" : "all" }),
      ...(slow !== (begun.slowModeSeconds ?? 0) && { slowModeSeconds: slow }),
      ...(editWindow !== (begun.editWindowSeconds ?? AS_EVERYWHERE) && { editWindowSeconds: editWindow === AS_EVERYWHERE ? null : editWindow }),
    };
    if (Object.keys(change).length === 0) return onClose();
    if (await form.run(() => chat.roomActions.change(room.id, change))) onClose();
  };

  return (
    <Dialog title="Room settings" onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)} noValidate>
        <Field label="Name" name="room-name" autoComplete="off" maxLength={80} value={name} error={form.errors.name} onValue={setName} />
        <Field
          label="Description"
          name="room-description"
          autoComplete="off"
          hint="What the room is for. Optional."
          maxLength={1000}
          value={description}
          error={form.errors.description}
          onValue={setDescription}
        />
        <Field
          label="Topic"
          name="room-topic"
          autoComplete="off"
          hint="What it talks about just now. Optional."
          maxLength={250}
          value={topic}
          error={form.errors.topic}
          onValue={setTopic}
        />
        <label className="switch">
          <input type="checkbox" role="switch" checked={sinceJoined} onChange={(event) => setSinceJoined(event.target.checked)} />
          <span className="switch-track" aria-hidden="true" />
          <span>
            <span className="switch-label">Members read only what came since they joined</span>
            <span className="field-hint">Off: everybody in the room reads all of it.</span>
          </span>
        </label>
        <div className="choices-row">
          <Choice label="Slow mode" value={slow} options={withOwn(SLOW, slow)} onValue={setSlow} />
          <Choice label="Own messages can be changed for" value={editWindow} options={withOwn(windows, editWindow)} onValue={setEditWindow} />
        </div>
        <p className="field-hint">In slow mode members wait so long between two messages; owner and administrators do not.</p>
        <FormError text={form.error} />
        <SaveRow label="Save" busy={form.busy} onCancel={onClose} />
      </form>
      <section className="setting-part" aria-label={archived ? "Open again" : "Archive"}>
        <p className="dialog-text">
          {archived
            ? "The room is archived: it can be read, and nothing can be written."
            : "An archived room can be read, and nothing can be written. You can open it again."}
        </p>
        <FormError text={archive.error} />
        <button
          type="button"
          className="button"
          disabled={archive.busy}
          onClick={() => void archive.run(() => chat.roomActions.archive(room.id, !archived)).then((done) => done && onClose())}
        >
          {archived ? "Open the room again" : "Archive the room"}
        </button>
      </section>
    </Dialog>
  );
}
