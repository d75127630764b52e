import { hueOf, initialsOf } from "../format.js";

/** Initials on a colour of the person's own; the name stands beside it. */
export function Avatar({ name, id }: { name: string; id: string }) {
  return (
    <span className={`avatar hue-${hueOf(id)}`} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}
