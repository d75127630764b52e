import { useRef, useState, type FormEvent } from "react";
import type { User } from "@chat/sdk";
import { chat } from "../chat.js";
import { shownName } from "../format.js";
import { Avatar } from "../ui/Avatar.js";
import { Field, FormError } from "../ui/Field.js";
import { useTask } from "../ui/useTask.js";
import { squareOf } from "./picture.js";
import { SaveRow, Section } from "./Section.js";

const NAME_CHARACTERS = 50;
const STATUS_CHARACTERS = 140;

export function Profile({ user }: { user: User }) {
  const [displayName, setDisplayName] = useState(user.displayName ?? "");
  const [statusText, setStatusText] = useState(user.statusText ?? "");
  const [saved, setSaved] = useState(false);
  const { busy, error, errors, run } = useTask(["displayName", "statusText"]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setSaved(false);
    const change = { displayName: displayName.trim() || null, statusText: statusText.trim() || null };
    const done = await run(async () => {
      await chat.account.changeProfile(change);
      await chat.refreshMe();
    });
    setSaved(done);
  };

  return (
    <>
      <Section title="Picture">
        <Picture user={user} />
      </Section>
      <Section title="Profile" lead={`Everybody who shares a room with you sees it. Your user name, ${user.username}, stays.`}>
        <form className="form" onSubmit={(event) => void submit(event)} noValidate>
          <Field
            label="Display name"
            name="display-name"
            autoComplete="name"
            hint="Shown in place of your user name. Optional."
            maxLength={NAME_CHARACTERS}
            value={displayName}
            error={errors.displayName}
            onValue={setDisplayName}
          />
          <Field
            label="Status"
            name="status"
            autoComplete="off"
            hint="What you are up to, in a line. Optional."
            maxLength={STATUS_CHARACTERS}
            value={statusText}
            error={errors.statusText}
            onValue={setStatusText}
          />
          <FormError text={error} />
          <SaveRow label="Save" busy={busy} note={saved ? "Saved." : null} />
        </form>
      </Section>
    </>
  );
}

function Picture({ user }: { user: User }) {
  const input = useRef<HTMLInputElement>(null);
  const [note, setNote] = useState("");
  const { busy, error, run } = useTask();

  const change = (said: string, act: () => Promise<unknown>) => {
    setNote("");
    void run(async () => {
      await act();
      await chat.refreshMe();
      setNote(said);
    });
  };
  const choose = (file: File | undefined) => {
    if (file) change("Your picture is set.", async () => chat.account.setAvatar(await squareOf(file)));
    // Choosing the same file again must be noticed.
    input.current!.value = "";
  };

  return (
    <div className="picture">
      <Avatar name={shownName(user)} id={user.id} src={user.avatar} large />
      <div className="form">
        <div className="save-row">
          <input
            ref={input}
            type="file"
            accept="image/png,image/jpeg,image/gif"
            aria-label="Picture"
            hidden
            onChange={(event) => choose(event.target.files?.[0])}
          />
          <button type="button" className="button" disabled={busy} onClick={() => input.current!.click()}>
            {busy ? "One moment…" : user.avatar ? "Choose another picture" : "Choose a picture"}
          </button>
          {user.avatar && (
            <button
              type="button"
              className="button"
              disabled={busy}
              onClick={() => change("Your picture is removed.", () => chat.account.removeAvatar())}
            >
              Remove
            </button>
          )}
          <span className="note" role="status">
            {note}
          </span>
        </div>
        <p className="field-hint">JPEG, PNG or GIF. Its middle is cut out as a square; what the camera wrote into it is left out.</p>
        <FormError text={error} />
      </div>
    </div>
  );
}
