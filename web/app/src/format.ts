// Dates, names and errors as people read them.

import { ApiError, type Delivery, type Presence, type User } from "@chat/sdk";
import { Told } from "./told.js";

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayYearFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export const timeOf = (iso: string) => timeFormat.format(new Date(iso));
export const fullDateOf = (iso: string) => fullFormat.format(new Date(iso));
export const dateOf = (iso: string) => dayYearFormat.format(new Date(iso));

/** A key that is the same for all moments of one local day. */
export function dayKey(iso: string): string {
  const date = new Date(iso);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

export function dayLabel(iso: string, now = new Date()): string {
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (dayKey(iso) === dayKey(now.toISOString())) return "Today";
  if (dayKey(iso) === dayKey(yesterday.toISOString())) return "Yesterday";
  const date = new Date(iso);
  return (date.getFullYear() === now.getFullYear() ? dayFormat : dayYearFormat).format(date);
}

/** A moment, as short as it can be told. */
export function momentOf(iso: string, now = new Date()): string {
  if (dayKey(iso) === dayKey(now.toISOString())) return timeOf(iso);
  const day = dayLabel(iso, now);
  return `${day === "Yesterday" ? "yesterday" : day}, ${timeOf(iso)}`;
}

const MINUTE_MS = 60_000;

/** When something ends: the minute in which it is over. */
export const endOf = (until: number) => momentOf(new Date(Math.ceil(until / MINUTE_MS) * MINUTE_MS).toISOString());

/** Null while it is not known. */
export function presenceText(presence: Presence | undefined, now = new Date()): string | null {
  if (!presence) return null;
  if (presence.isOnline) return "online";
  return presence.lastSeen ? `last seen ${momentOf(presence.lastSeen, now)}` : "offline";
}

/** At most two are named: the line has one line. */
export function typingText(names: readonly string[]): string {
  const [one, two] = names;
  if (one === undefined) return "";
  if (two === undefined) return `${one} is typing…`;
  if (names.length === 2) return `${one} and ${two} are typing…`;
  return `${one}, ${two} and ${count(names.length - 2, "other", "others")} are typing…`;
}

/** In a room for two the other one is meant; in others they are counted. */
export function deliveryText({ state, delivered, read, others }: Delivery): string {
  if (others <= 1) return { sent: "Sent", delivered: "Delivered", read: "Read" }[state];
  if (state === "read") return "Read by all";
  if (delivered === 0) return "Sent";
  const to = state === "delivered" ? "Delivered to all" : `Sent, delivered to ${delivered} of ${others}`;
  return read > 0 ? `${to}, read by ${read}` : to;
}

/** What somebody wants to be called; anybody may be called anything, so the user name stands where it matters who it is. */
export const shownName = ({ displayName, username }: Pick<User, "displayName" | "username">) => displayName ?? username;

/** Somebody not met yet is shown by the beginning of the id. */
export function nameOf(users: ReadonlyMap<string, User>, userId: string): string {
  const user = users.get(userId);
  return user ? shownName(user) : `User ${userId.slice(-6)}`;
}

export function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0]!, words[1]!].map((word) => [...word][0]!) : [...name].slice(0, 2);
  return letters.join("").toUpperCase();
}

/** As a sentence names several. */
export const listOf = (names: readonly string[]) => [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");

/** One of eight colours, the same for a name everywhere. */
export function hueOf(key: string): number {
  let hash = 7;
  for (const char of key) hash = (hash * 31 + char.codePointAt(0)!) >>> 0;
  return hash % 8;
}

export function count(n: number, one: string, many: string): string {
  return `${n.toLocaleString()} ${n === 1 ? one : many}`;
}

const ADVICE: Record<string, string> = {
  network: "The server cannot be reached. Check your connection and try again.",
  unavailable: "The server is busy or restarting. Try again in a moment.",
  internal: "Something went wrong on the server. Try again in a moment.",
  editWindowClosed: "The time in which this message could be changed is over.",
  notMember: "You are not a member of this room any more.",
  notFound: "This does not exist any more.",
  tooLarge: "This message is too long. Shorten it and send it again.",
  roomArchived: "This room is archived: it can be read, but nothing new can be written.",
  forbidden: "You are not allowed to do this.",
  emailNotVerified: "Confirm your e-mail address first: the top of the page says how.",
  accountDisabled: "This account is disabled. Ask whoever runs this server.",
  secondFactorRequired: "Enter the code of your second factor as well.",
  secondFactorInvalid: "This code is wrong, or was used before. Wait for the next one and enter that.",
};

/** A wait, as exact as it is worth. */
export function durationOf(seconds: number): string {
  if (seconds <= 90) return count(seconds, "second", "seconds");
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 90) return count(minutes, "minute", "minutes");
  const hours = Math.ceil(minutes / 60);
  return hours <= 48 ? count(hours, "hour", "hours") : count(Math.ceil(hours / 24), "day", "days");
}

/** A time that runs out: never more than there is. */
export function leftOf(seconds: number): string {
  if (seconds < 60) return count(seconds, "second", "seconds");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return count(minutes, "minute", "minutes");
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? count(hours, "hour", "hours") : count(Math.floor(hours / 24), "day", "days");
}

/** Remarks on single fields, by their names. */
export function fieldErrors(reason: unknown): Partial<Record<string, string>> {
  const errors = reason instanceof ApiError ? reason.errors : [];
  return Object.fromEntries(errors.map(({ field, message }) => [field, sentence(message)]));
}

export const isEmail = (text: string) => /^\S+@\S+\.\S+$/.test(text);

export const PASSWORD_HINT = "8 to 128 characters. Several words in a row are good; well-known passwords are refused.";

/** The rest of the rules only the server knows. */
export function passwordFault(password: string): string | undefined {
  const length = [...password].length;
  if (length < 8) return "Choose a password of at least 8 characters.";
  return length > 128 ? "Choose a password of at most 128 characters." : undefined;
}

/** Powers of 1,024, as limits are given. */
export function sizeOf(bytes: number): string {
  if (bytes < 1024) return count(bytes, "byte", "bytes");
  const units = ["KiB", "MiB", "GiB"];
  let value = bytes / 1024;
  while (value >= 1000 && units.length > 1) {
    value /= 1024;
    units.shift();
  }
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })} ${units[0]}`;
}

/** What went wrong and what to do about it. */
export function explain(error: unknown): string {
  if (error instanceof Told) return error.message;
  if (!(error instanceof ApiError)) return "Something went wrong. Reload the page and try again.";
  if (error.code === "rateLimited") {
    const seconds = Math.ceil((error.retryAfterMs ?? 0) / 1000);
    return seconds > 0 ? `Too many attempts. Try again in ${durationOf(seconds)}.` : "Too many attempts. Wait a moment and try again.";
  }
  return adviceOn(error.code, error.message);
}

/** A server's remark on a field ("must have 3 characters", "is taken") as a sentence of its own. */
export function sentence(remark: string): string {
  const text = remark.replace(/^is /, "this is ");
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** Our words for what is known, the server's for the rest. */
export function adviceOn(code: string, message: string): string {
  return ADVICE[code] ?? sentence(message);
}
