import { useState } from "react";
import type { Presence } from "@chat/sdk";
import { hueOf, initialsOf } from "../format.js";
import { PresenceDot } from "./PresenceDot.js";

interface AvatarProps {
  name: string;
  id: string;
  src?: string | null | undefined;
  large?: boolean;
  presence?: Presence | undefined;
}

/** A picture, or initials on a colour of the person's own; name and presence stand beside it in words. */
export function Avatar({ name, id, src, large = false, presence }: AvatarProps) {
  // Whose picture cannot be loaded still has a name.
  const [broken, setBroken] = useState<string | null>(null);
  const shown = src && src !== broken ? src : null;
  return (
    <span className={`avatar hue-${hueOf(id)} ${large ? "avatar-large" : ""}`} aria-hidden="true">
      {shown ? (
        <img src={shown} alt="" referrerPolicy="no-referrer" decoding="async" onError={() => setBroken(shown)} />
      ) : (
        initialsOf(name)
      )}
      <PresenceDot presence={presence} />
    </span>
  );
}
