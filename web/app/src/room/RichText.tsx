import { useMemo } from "react";
import { linkify } from "./linkify.js";
import { mentionsOf } from "./mentions.js";

/** Message text: never HTML. Line breaks are kept by the style sheet. Where oneself is named is marked. */
export function RichText({ text, me }: { text: string; me: string | undefined }) {
  const parts = useMemo(() => linkify(text), [text]);
  return parts.map((part, index) =>
    part.href ? (
      <a key={index} href={part.href} target="_blank" rel="noopener noreferrer">
        {part.text}
      </a>
    ) : me ? (
      <Named key={index} text={part.text} me={me} />
    ) : (
      part.text
    ),
  );
}

function Named({ text, me }: { text: string; me: string }) {
  const found = [...text.matchAll(mentionsOf(me))];
  if (found.length === 0) return text;
  const ends = [0, ...found.map((match) => match.index + match[0].length)];
  return (
    <>
      {found.map((match, index) => (
        <span key={match.index}>
          {text.slice(ends[index], match.index)}
          <mark className="mention">{match[0]}</mark>
        </span>
      ))}
      {text.slice(ends.at(-1))}
    </>
  );
}
