/** Those that are used most, each with the name that a screen reader says. */
export const FREQUENT: readonly (readonly [emoji: string, name: string])[] = [
  ["👍", "thumbs up"],
  ["❤️", "heart"],
  ["😂", "tears of joy"],
  ["🎉", "party"],
  ["😮", "surprise"],
  ["😢", "sadness"],
  ["🙏", "thanks"],
  ["👀", "eyes"],
  ["👎", "thumbs down"],
  ["🔥", "fire"],
  ["👏", "applause"],
  ["✅", "done"],
  ["🤔", "thinking"],
  ["🚀", "rocket"],
  ["💯", "hundred points"],
  ["😊", "smile"],
  ["😍", "heart eyes"],
  ["😎", "sunglasses"],
  ["🤷", "shrug"],
  ["👋", "wave"],
  ["💡", "idea"],
  ["❌", "no"],
  ["➕", "plus one"],
  ["☕", "coffee"],
];

/** Kinds that a message may have. */
export const MAX_KINDS = 20;
const MAX_BYTES = 64;

const names = new Map(FREQUENT);
export const nameOfEmoji = (emoji: string) => names.get(emoji) ?? emoji;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;

/** The one emoji that a text is; null where it is anything else. The server has the last word. */
export function emojiIn(text: string): string | null {
  const [only, more] = [...segmenter.segment(text.trim())];
  if (!only || more || !PICTURE.test(only.segment)) return null;
  return new TextEncoder().encode(only.segment).length <= MAX_BYTES ? only.segment.normalize("NFC") : null;
}
