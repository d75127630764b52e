import { useState } from "react";
import type { Room } from "@chat/sdk";
import { chat } from "../chat.js";
import { dateOf, dayKey } from "../format.js";
import { messageHref, navigate } from "../router.js";
import { Told } from "../told.js";
import { Field } from "../ui/Field.js";
import { FormDialog } from "../ui/FormDialog.js";
import { useTask } from "../ui/useTask.js";

interface JumpDialogProps {
  room: Room;
  /** When nothing was said on that day. */
  onSaid: (text: string) => void;
  onClose: () => void;
}

/** To what was said first on a day of this device's calendar, or next after it. */
export function JumpDialog({ room, onSaid, onClose }: JumpDialogProps) {
  const [day, setDay] = useState("");
  const { busy, error, errors, run, refuse } = useTask(["day"]);

  const submit = async () => {
    const start = new Date(`${day}T00:00`);
    if (Number.isNaN(start.getTime())) return refuse({ day: "Choose a day." });
    await run(async () => {
      const at = start.toISOString();
      const found = await chat.messages.jumpToMoment(room.id, at);
      if (!found) throw new Told("Nothing was written in this room yet.");
      onClose();
      navigate(messageHref(room.id, found.id));
      if (dayKey(found.createdAt) === dayKey(at)) return;
      const isLater = Date.parse(found.createdAt) > Date.parse(at);
      onSaid(isLater ? `Nothing was written on ${dateOf(at)}. This came next.` : `Nothing was written since ${dateOf(at)}. This came last.`);
    });
  };

  return (
    <FormDialog title="Jump to date" action="Jump" busy={busy} error={error} onSubmit={() => void submit()} onClose={onClose}>
      <Field
        label="Day"
        name="day"
        type="date"
        min={room.createdAt && inputDay(new Date(room.createdAt))}
        max={inputDay(new Date())}
        hint="The room opens at what was written first on it."
        value={day}
        error={errors.day}
        onValue={setDay}
        data-autofocus
      />
    </FormDialog>
  );
}

/** As a field for days writes it: of this device's calendar, where an ISO time would be of the world's. */
const inputDay = (date: Date) =>
  [String(date.getFullYear()).padStart(4, "0"), ...[date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, "0"))].join("-");
