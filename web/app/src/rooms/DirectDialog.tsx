import { useMemo, useState } from "react";
import type { User } from "@chat/sdk";
import { chat } from "../chat.js";
import { navigate, roomHref } from "../router.js";
import { FormDialog } from "../ui/FormDialog.js";
import { Picked } from "../ui/Picked.js";
import { UserPicker } from "../ui/UserPicker.js";
import { useTask } from "../ui/useTask.js";

const MOST_OTHERS = 7;

/** A conversation with one other, or with a few. */
export function DirectDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [others, setOthers] = useState<readonly User[]>([]);
  const { busy, error, run } = useTask();
  const without = useMemo(() => new Set([user.id, ...others.map(({ id }) => id)]), [user.id, others]);

  const open = async () => {
    await run(async () => {
      const room = await chat.roomActions.openDirect(others.map(({ id }) => id));
      onClose();
      navigate(roomHref(room.id));
    });
  };
  return (
    <FormDialog
      title="New conversation"
      action="Start"
      busy={busy}
      disabled={others.length === 0}
      error={error}
      onSubmit={() => void open()}
      onClose={onClose}
    >
      <p className="dialog-text">With one other, or with up to {MOST_OTHERS}. The same people always find the same conversation again.</p>
      <Picked people={others} onRemove={(id) => setOthers(others.filter((other) => other.id !== id))} />
      {others.length < MOST_OTHERS && (
        <UserPicker label="With whom?" action="Choose" without={without} onPick={(other) => setOthers([...others, other])} data-autofocus />
      )}
    </FormDialog>
  );
}
