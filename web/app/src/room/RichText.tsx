import { linkify } from "./linkify.js";

/** Message text: never HTML. Line breaks are kept by the style sheet. */
export function RichText({ text }: { text: string }) {
  return linkify(text).map((part, index) =>
    part.href ? (
      <a key={index} href={part.href} target="_blank" rel="noopener noreferrer">
        {part.text}
      </a>
    ) : (
      part.text
    ),
  );
}
