import { useMemo, useState, type FormEvent } from "react";
import { ApiError, type User } from "@chat/sdk";
import { chat } from "../chat.js";
import { explain, sentence } from "../format.js";
import { navigate, roomHref } from "../router.js";
import { Dialog } from "../ui/Dialog.js";
import { Field, FormError } from "../ui/Field.js";
import { Picked } from "../ui/Picked.js";
import { UserPicker } from "../ui/UserPicker.js";

export function CreateRoomDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [people, setPeople] = useState<readonly User[]>([]);
  const without = useMemo(() => new Set([user.id, ...people.map(({ id }) => id)]), [user.id, people]);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [isPrivate, setPrivate] = useState(false);
  const [nameError, setNameError] = useState<string | undefined>();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const trimmed = name.trim();
    setNameError(trimmed ? undefined : "Give the room a name.");
    if (!trimmed) return;
    setBusy(true);
    setError(null);
    try {
      const about = description.trim();
      const room = await chat.roomActions.create({
        name: trimmed,
        isPrivate,
        ...(people.length > 0 ? { members: people.map(({ id }) => id) } : {}),
        ...(about ? { description: about } : {}),
      });
      onClose();
      navigate(roomHref(room.id));
    } catch (reason) {
      const onName = reason instanceof ApiError && reason.errors.find((field) => field.field === "name");
      if (onName) setNameError(sentence(onName.message));
      else setError(explain(reason));
      setBusy(false);
    }
  };

  return (
    <Dialog title="New room" onClose={onClose}>
      <form className="form" onSubmit={(event) => void submit(event)} noValidate>
        <Field
          label="Name"
          name="room-name"
          autoComplete="off"
          maxLength={80}
          value={name}
          error={nameError}
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
          onValue={setDescription}
        />
        <label className="switch">
          <input type="checkbox" role="switch" checked={isPrivate} onChange={(event) => setPrivate(event.target.checked)} />
          <span className="switch-track" aria-hidden="true" />
          <span>
            <span className="switch-label">Private room</span>
            <span className="field-hint">Not in the directory; only people who are added can enter.</span>
          </span>
        </label>
        <Picked people={people} onRemove={(id) => setPeople(people.filter((other) => other.id !== id))} />
        <UserPicker label="People to begin with" action="Choose" without={without} onPick={(other) => setPeople([...people, other])} />
        <FormError text={error} />
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={busy}>
            Create room
          </button>
        </div>
      </form>
    </Dialog>
  );
}
