import { useCallback, useState } from "react";
import type { LoginSession } from "@chat/sdk";
import { chat } from "../chat.js";
import { count, dateOf, momentOf } from "../format.js";
import { ConfirmDialog } from "../ui/ConfirmDialog.js";
import { FormError } from "../ui/Field.js";
import { useLoaded } from "../ui/useLoaded.js";
import { useTask } from "../ui/useTask.js";
import { deviceName } from "./device.js";
import { focusSection, Section } from "./Section.js";

export function Devices() {
  const { value: sessions, error, reload } = useLoaded(useCallback(() => chat.account.sessions(), []));
  const task = useTask();
  const [ending, setEnding] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const [everywhere, setEverywhere] = useState(false);

  const end = async (session: LoginSession, button: Element) => {
    setEnding(session.id);
    setNote("");
    const done = await task.run(async () => {
      await chat.account.endSession(session.id);
      await reload();
    });
    setEnding(null);
    if (!done) return;
    setNote(`${deviceName(session.device)} is logged out.`);
    focusSection(button);
  };

  return (
    <Section
      title="Devices"
      lead="Where you are logged in. The network tells home from elsewhere; your address itself is not kept."
    >
      <FormError text={error ?? task.error} />
      {error && (
        <button type="button" className="button" onClick={() => void reload()}>
          Try again
        </button>
      )}
      {!sessions && !error && <ListSkeleton label="Loading your devices" />}
      {/* In the page before anything can be said. */}
      <p className="note" role="status">
        {note}
      </p>
      {sessions && (
        <ul className="rows">
          {sessions.map((session) => (
            <Device
              key={session.id}
              session={session}
              busy={ending !== null}
              ending={ending === session.id}
              onEnd={(button) => void end(session, button)}
            />
          ))}
        </ul>
      )}
      {sessions && (
        <div className="save-row">
          <button type="button" className="button danger" onClick={() => setEverywhere(true)}>
            Log out everywhere
          </button>
        </div>
      )}
      {everywhere && (
        <ConfirmDialog
          title="Log out everywhere?"
          text={`Every device is logged out at once, this one too.${unsentWarning()}`}
          action="Log out everywhere"
          onConfirm={() => chat.leave(() => chat.account.logoutAll())}
          onClose={() => setEverywhere(false)}
        />
      )}
    </Section>
  );
}

function unsentWarning(): string {
  const unsent = chat.unsentCount;
  return unsent > 0 ? ` ${count(unsent, "message has", "messages have")} not been sent yet and will be lost.` : "";
}

interface DeviceProps {
  session: LoginSession;
  busy: boolean;
  ending: boolean;
  onEnd: (button: Element) => void;
}

function Device({ session, busy, ending, onEnd }: DeviceProps) {
  const { device, network, createdAt, lastUsedAt, isCurrent } = session;
  const name = deviceName(device);
  return (
    <li className="row">
      <div className="row-text">
        <p className="row-name" title={device ?? undefined}>
          {name} {isCurrent && <span className="tag tag-strong">this device</span>}
        </p>
        <p className="muted">
          {isCurrent ? "In use now" : `Last used ${momentOf(lastUsedAt)}`}
          {network && ` · network ${network}`} · since {dateOf(createdAt)}
        </p>
      </div>
      {!isCurrent && (
        <button
          type="button"
          className="button small"
          disabled={busy}
          onClick={(event) => onEnd(event.currentTarget)}
          aria-label={`Log out ${name}, last used ${momentOf(lastUsedAt)}`}
        >
          {ending ? "One moment…" : "Log out"}
        </button>
      )}
    </li>
  );
}

/** As high as what it stands for, so that nothing jumps. */
export function ListSkeleton({ label }: { label: string }) {
  return (
    <div role="status" className="rows">
      <span className="visually-hidden">{label}</span>
      {[0, 1].map((row) => (
        <div key={row} className="row" aria-hidden="true">
          <span className="skeleton skeleton-line" />
        </div>
      ))}
    </div>
  );
}
