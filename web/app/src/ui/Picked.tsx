import type { User } from "@chat/sdk";
import { shownName } from "../format.js";
import { Avatar } from "./Avatar.js";
import { Icon } from "./Icon.js";

/** Who was chosen so far. */
export function Picked({ people, onRemove }: { people: readonly User[]; onRemove: (userId: string) => void }) {
  if (people.length === 0) return null;
  return (
    <ul className="picked" aria-label="Chosen">
      {people.map((person) => (
        <li key={person.id} className="picked-person">
          <Avatar name={shownName(person)} id={person.id} src={person.avatar} />
          {person.username}
          <button type="button" className="icon-button" onClick={() => onRemove(person.id)} aria-label={`Leave ${person.username} out`}>
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}
