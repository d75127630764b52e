import type { Message, User } from "@chat/sdk";
import { count, nameOf } from "../format.js";
import { nameOfEmoji } from "./emoji.js";

interface ReactionBarProps {
  message: Message;
  users: ReadonlyMap<string, User>;
  me: string;
  /** Null: they can be looked at. */
  onReact: ((message: Message, emoji: string, on: boolean) => void) | null;
}

const NAMED = 5;

/** What people express about a message: a press joins them, or leaves them. */
export function ReactionBar({ message, users, me, onReact }: ReactionBarProps) {
  const reactions = message.reactions ?? [];
  if (reactions.length === 0) return null;
  return (
    <ul className="reactions" aria-label="Reactions">
      {reactions.map(({ emoji, count: number, userIds, isOwn }) => {
        const named = userIds.slice(0, NAMED).map((id) => (id === me ? "you" : nameOf(users, id)));
        const more = number - named.length;
        const who = [...named, ...(more > 0 ? [count(more, "other", "others")] : [])].join(", ");
        return (
          <li key={emoji}>
            <button
              type="button"
              className="reaction"
              aria-pressed={isOwn}
              aria-label={`${nameOfEmoji(emoji)}, ${number}: ${who}`}
              title={who}
              disabled={!onReact}
              onClick={() => onReact?.(message, emoji, !isOwn)}
            >
              <span aria-hidden="true">{emoji}</span>
              <span aria-hidden="true">{number.toLocaleString()}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
