import { useMemo, useState } from "react";
import type { User } from "@chat/sdk";
import { chat } from "../chat.js";
import { navigate, roomHref } from "../router.js";
import { Field } from "../ui/Field.js";
import { FormDialog } from "../ui/FormDialog.js";
import { Picked } from "../ui/Picked.js";
import { UserPicker } from "../ui/UserPicker.js";
import { useTask } from "../ui/useTask.js";

export function CreateRoomDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [people, setPeople] = useState<readonly User[]>([]);
  const without = useMemo(() => new Set([user.id, ...people.map(({ id }) => id)]), [user.id, people]);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [isPrivate, setPrivate] = useState(false);
  const { busy, error, errors, run, refuse } = useTask(["name", "description"]);

  const submit = async () => {
    const trimmed = name.trim();
    if (!trimmed) return refuse({ name: "Give the room a name." });
    const about = description.trim();
    await run(async () => {
      const room = await chat.roomActions.create({
        name: trimmed,
        isPrivate,
        ...(people.length > 0 ? { members: people.map(({ id }) => id) } : {}),
        ...(about ? { description: about } : {}),
      });
      onClose();
      navigate(roomHref(room.id));
    });
  };

  return (
    <FormDialog title="New room" action="Create room" busy={busy} error={error} onSubmit={() => void submit()} onClose={onClose}>
      <Field
        label="Name"
        name="room-name"
        autoComplete="off"
        maxLength={80}
        value={name}
        error={errors.name}
        onValue={setName}
        data-autofocus
      />
      <Field
        label="Description"
        name="room-description"
        autoComplete="off"
        hint="Optional. What is this room about?"
        maxLength={1000}
        value={description}
        error={errors.description}
        onValue={setDescription}
      />
      <label className="switch">
        <input type="checkbox" role="switch" checked={isPrivate} onChange={(event) => setPrivate(event.target.checked)} />
        <span className="switch-track" aria-hidden="true" />
        <span>
          <span className="switch-label">Private room</span>
          <span className="field-hint">Not in the directory; only people who are invited or added come in.</span>
        </span>
      </label>
      <Picked people={people} onRemove={(id) => setPeople(people.filter((other) => other.id !== id))} />
      <UserPicker label="People to begin with" action="Choose" without={without} onPick={(other) => setPeople([...people, other])} />
    </FormDialog>
  );
}
