import type { Presence } from "@chat/sdk";
import { hueOf, initialsOf } from "../format.js";
import { PresenceDot } from "./PresenceDot.js";

interface AvatarProps {
  name: string;
  id: string;
  presence?: Presence | undefined;
}

/** Initials on a colour of the person's own; name and presence stand beside it in words. */
export function Avatar({ name, id, presence }: AvatarProps) {
  return (
    <span className={`avatar hue-${hueOf(id)}`} aria-hidden="true">
      {initialsOf(name)}
      <PresenceDot presence={presence} />
    </span>
  );
}
