import type { Message, Reaction, User } from "@chat/sdk";
import { chat } from "../chat.js";
import { count, listOf, nameOf } from "../format.js";
import { Tip } from "../ui/Tip.js";
import { nameOfEmoji } from "./emoji.js";

interface ReactionBarProps {
  message: Message;
  users: ReadonlyMap<string, User>;
  me: string;
  /** Null: they can be looked at. */
  react: ((message: Message, emoji: string) => void) | null;
  unreact: ((message: Message, emoji: string) => void) | null;
}

const NAMED = 10;

/** What people express about a message: a press joins them, or leaves them. */
export function ReactionBar({ message, users, me, react, unreact }: ReactionBarProps) {
  const reactions = message.reactions ?? [];
  if (reactions.length === 0) return null;
  return (
    <ul className="reactions" aria-label="Reactions">
      {reactions.map((reaction) => {
        const { emoji, count: number, isOwn } = reaction;
        const who = reactors(reaction, users, me);
        const act = isOwn ? unreact : react;
        return (
          <li key={emoji}>
            {/* Not asked for before somebody wants to know: questions about people are counted. */}
            <Tip text={who} onShow={() => chat.people.shown(reaction.userIds.slice(0, NAMED))}>
              <button
                type="button"
                className="reaction"
                aria-pressed={isOwn}
                aria-label={`${nameOfEmoji(emoji)}, ${number}: ${who}`}
                aria-disabled={!act}
                onClick={() => act?.(message, emoji)}
              >
                <span aria-hidden="true">{emoji}</span>
                <span aria-hidden="true">{number.toLocaleString()}</span>
              </button>
            </Tip>
          </li>
        );
      })}
    </ul>
  );
}

/** Who it is, as far as the names are known; the others are counted. */
function reactors({ count: number, userIds, isOwn }: Reaction, users: ReadonlyMap<string, User>, me: string): string {
  const others = userIds.filter((id) => id !== me && users.has(id)).map((id) => nameOf(users, id));
  const named = [...(isOwn ? ["you"] : []), ...others].slice(0, NAMED);
  if (named.length === 0) return count(number, "person", "people");
  const more = number - named.length;
  return listOf([...named, ...(more > 0 ? [`${more.toLocaleString()} more`] : [])]);
}
