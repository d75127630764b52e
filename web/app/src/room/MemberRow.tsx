import { useRef, useState } from "react";
import type { Presence, Room, User } from "@chat/sdk";
import { block as blockPerson } from "../blocked.js";
import { chat } from "../chat.js";
import { endOf, presenceText, shownName } from "../format.js";
import { navigate, roomHref } from "../router.js";
import { Avatar } from "../ui/Avatar.js";
import { Field, FormError } from "../ui/Field.js";
import { Icon } from "../ui/Icon.js";
import { useTask } from "../ui/useTask.js";
import { isBelow, mayGiveRoles, mayManage, ROLE_NAMES } from "./powers.js";
import { useNow } from "./useNow.js";

interface MemberRowProps {
  room: Room;
  member: User;
  presence: Presence | undefined;
  isMe: boolean;
  /** What was done, to be said aloud: the row may be gone by then. */
  onSaid: (text: string) => void;
  onClose: () => void;
}

interface Deed {
  label: string;
  said: string;
  /** Elsewhere: the list is in the way then. */
  leads?: boolean;
  /** Asked first: it cannot be taken back by the same button. */
  question?: string;
  /** Whether one may say why. */
  explains?: boolean;
  act: (reason: string) => Promise<unknown>;
}

const MUTES = [
  { label: "Mute for an hour", time: "an hour", ms: 3_600_000 },
  { label: "Mute for a day", time: "a day", ms: 86_400_000 },
];

export function MemberRow({ room, member, presence, isMe, onSaid, onClose }: MemberRowProps) {
  const [open, setOpen] = useState(false);
  const [asking, setAsking] = useState<Deed | null>(null);
  const [reason, setReason] = useState("");
  const task = useTask(["reason"]);
  const more = useRef<HTMLButtonElement>(null);
  const muted = useMuted(member);
  const deeds = isMe ? [] : deedsFor(room, member, muted);

  const ask = (deed: Deed) => {
    setReason("");
    setAsking(deed);
  };
  const callOff = () => {
    setAsking(null);
    // The button that was pressed goes with the question.
    more.current!.focus();
  };
  const doIt = async (deed: Deed) => {
    if (!(await task.run(() => deed.act(reason.trim())))) return;
    setAsking(null);
    setOpen(false);
    if (deed.leads) onClose();
    else onSaid(deed.said);
  };

  const isAbove = member.role !== undefined && member.role !== "member";
  const told = [muted && `muted until ${endOf(Date.parse(member.mutedUntil!))}`, member.displayName && member.username, presenceText(presence), member.statusText].filter(Boolean).join(" · ");
  return (
    <li className="member-item">
      <div className="member">
        <Avatar name={shownName(member)} id={member.id} src={member.avatar} presence={presence} />
        <span className="member-text">
          <span className="member-name" title={member.username}>
            {shownName(member)}
          </span>
          <span className="member-presence">
            {isAbove && <strong>{ROLE_NAMES[member.role!]}</strong>}
            {isAbove && told && " · "}
            {told}
          </span>
          {muted && member.muteReason && <span className="member-presence">The reason: {member.muteReason}</span>}
        </span>
        {isMe && <span className="tag">you</span>}
        {deeds.length > 0 && (
          <button
            ref={more}
            type="button"
            className="icon-button"
            aria-expanded={open}
            aria-label={`What to do with ${member.username}`}
            onClick={() => {
              setOpen(!open);
              setAsking(null);
            }}
          >
            <Icon name="more" />
          </button>
        )}
      </div>
      {open && !asking && (
        <div className="member-deeds">
          {deeds.map((deed) => (
            <button
              key={deed.label}
              type="button"
              className="button small"
              disabled={task.busy}
              onClick={() => (deed.question ? ask(deed) : void doIt(deed))}
            >
              {deed.label}
            </button>
          ))}
        </div>
      )}
      {open && asking && (
        <div className="member-deeds" role="group" aria-label={asking.label}>
          <p>{asking.question}</p>
          {asking.explains && (
            <Field
              label="Reason"
              name="reason"
              autoComplete="off"
              hint={`Optional. Shown to ${member.username}, the owner and the administrators; sent to everybody in the room.`}
              maxLength={500}
              value={reason}
              error={task.errors.reason}
              onValue={setReason}
            />
          )}
          <button type="button" className="button small" onClick={callOff} autoFocus>
            Cancel
          </button>
          <button type="button" className="button small danger" disabled={task.busy} onClick={() => void doIt(asking)}>
            {asking.label}
          </button>
        </div>
      )}
      <FormError text={task.error} />
    </li>
  );
}

/** It ends by itself. */
function useMuted({ mutedUntil }: User): boolean {
  const until = mutedUntil ? Date.parse(mutedUntil) : 0;
  return until > useNow((now) => (until > now ? until : Infinity));
}

function deedsFor(room: Room, member: User, muted: boolean): Deed[] {
  const { roomActions } = chat;
  const name = member.username;
  const write = async () => navigate(roomHref((await roomActions.openDirect([member.id])).id));
  const block: Deed = {
    label: "Block",
    said: `${name} is blocked.`,
    question: `${name} cannot write to you directly, invite you or put you into rooms any more, and is not told. Undo it in the settings.`,
    act: () => blockPerson(member.id, true),
  };
  const deeds: Deed[] = [{ label: "Write directly", said: "", leads: true, act: write }];
  if (!isBelow(room, member.role)) return [...deeds, block];
  if (mayGiveRoles(room)) {
    if (member.role === "administrator") {
      deeds.push({ label: "Make a plain member", said: `${name} is a plain member now.`, act: () => roomActions.setRole(room.id, member.id, "member") });
    } else {
      deeds.push({
        label: "Make administrator",
        said: `${name} is an administrator now.`,
        act: () => roomActions.setRole(room.id, member.id, "administrator"),
      });
    }
    deeds.push({
      label: "Hand the room over",
      said: `${name} owns the room now.`,
      question: `${name} will own the room, and you will not. Only ${name} can give it back.`,
      act: () => roomActions.transfer(room.id, member.id),
    });
  }
  if (mayManage(room)) {
    if (muted) {
      deeds.push({ label: "Let write again", said: `${name} may write again.`, act: () => roomActions.unmute(room.id, member.id) });
    } else {
      for (const { label, time, ms } of MUTES) {
        const until = () => new Date(chat.people.clock.now() + ms).toISOString();
        deeds.push({
          label,
          said: `${name} may only read for ${time}.`,
          question: `${name} can read, and cannot write, for ${time}.`,
          explains: true,
          act: (reason) => roomActions.mute(room.id, member.id, until(), reason),
        });
      }
    }
    deeds.push({
      label: "Remove",
      said: `${name} is out of the room.`,
      question: `${name} is put out of the room at once${room.isPrivate ? "." : ", and may join again."}`,
      act: () => roomActions.removeMember(room.id, member.id),
    });
    deeds.push({
      label: "Ban",
      said: `${name} is banned.`,
      question: `${name} is put out of the room, and cannot come back until you allow it.`,
      act: () => roomActions.ban(room.id, member.id),
    });
  }
  return [...deeds, block];
}
