// Notices on the desktop: only where they were allowed, only while nobody looks
// at the page, and only of what one wants to be told of.

import type { Message, NewsKind, Room } from "@chat/sdk";
import { isBlocked } from "./blocked.js";
import { chat } from "./chat.js";
import { nameOf } from "./format.js";
import { isMentioned } from "./room/mentions.js";
import { isMuted } from "./room/muted.js";
import { gist } from "./room/Quote.js";
import { partnerIn } from "./rooms/partner.js";
import { titleOf } from "./rooms/title.js";
import { messageHref, navigate } from "./router.js";

const KEY = "chat.notices";

/** Of this browser. “Off” is one's own choice, “denied” the browser's. */
export type NoticeState = "unsupported" | "denied" | "off" | "on";

export function noticeState(): NoticeState {
  if (typeof Notification === "undefined") return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && localStorage.getItem(KEY) === "on" ? "on" : "off";
}

/** By a click alone: browsers ignore, and people resent, what asks by itself. */
export async function allowNotices(): Promise<NoticeState> {
  if ((await Notification.requestPermission()) === "granted") localStorage.setItem(KEY, "on");
  return noticeState();
}

export function stopNotices(): NoticeState {
  localStorage.removeItem(KEY);
  return noticeState();
}

const find = (roomId: string) => chat.rooms?.find(({ id }) => id === roomId);

/** What the room's settings let through, if anything. */
export function wanted(room: Room | undefined, now = Date.now()): NewsKind | null {
  if (!room || room.settings?.notifications === "none" || isMuted(room.settings, now)) return null;
  return room.settings?.notifications === "mentions" ? "mentions" : "messages";
}

/** The one to show, of people whom one wants to hear. That somebody is mentioned is known; by which, the text lets suppose. */
export function telling(kind: NewsKind, all: readonly Message[], username: string): Message | undefined {
  const messages = all.filter(({ userId }) => !isBlocked(userId));
  const naming = kind === "mentions" ? messages.filter(({ content }) => isMentioned(content, username)) : [];
  return naming.at(-1) ?? messages.at(-1);
}

export function startNotices(): void {
  chat.news.reader = {
    wants: (roomId) => (document.hidden && noticeState() === "on" ? wanted(find(roomId)) : null),
    tell: (roomId, messages, kind) => {
      const room = find(roomId);
      const user = chat.currentUser;
      const message = room && user && telling(kind, messages, user.username);
      if (message) show(room, titleOf(room, partnerIn(room, user.id)), message);
    },
  };
}

function show(room: Room, title: string, message: Message): void {
  const author = nameOf(chat.knownUsers, message.userId);
  const body = room.kind === "direct" && room.memberCount === 2 ? gist(message) : `${author}: ${gist(message)}`;
  try {
    // One a room: the next takes the place of the last.
    const notice = new Notification(title, { body, tag: room.id });
    notice.onclick = () => {
      window.focus();
      navigate(messageHref(room.id, message.id));
      notice.close();
    };
  } catch {
    // Some phones have them for installed pages only; then the badge in the list has to do.
    stopNotices();
  }
}
