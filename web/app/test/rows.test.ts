import { describe, expect, it } from "vitest";
import type { Message, Role, Room, RoomEntry } from "@chat/sdk";
import { dayLabel, deliveryText, endOf, initialsOf, leftOf, momentOf, nameOf, presenceText, timeOf, typingText } from "../src/format.js";
import { buildRows, changesOf, firstUnseen, isEdited, type BubbleRow } from "../src/room/rows.js";

const noon = new Date(2026, 4, 20, 12, 0).getTime();

function said(userId: string, minutes: number, changes: Partial<Message> = {}): RoomEntry {
  const at = new Date(noon + minutes * 60_000).toISOString();
  const id = `${userId}-${minutes}`;
  const message = { id, roomId: "r", userId, content: id, createdAt: at, updatedAt: at, seq: 1, ...changes };
  return { key: id, kind: "message", message };
}

const bubbles = (entries: RoomEntry[]) =>
  buildRows(entries, "me").filter((row): row is BubbleRow => row.kind === "bubble");
const of = (role: Role, more: Partial<Room> = {}): Room => ({ id: "r", name: "Garden", isPrivate: false, kind: "room", role, ...more });
const ends = (rows: BubbleRow[]) => rows.map((row) => `${row.first ? "first" : ""}${row.last ? "last" : ""}`);

describe("rows of a room", () => {
  it("join what one author says in one go", () => {
    const rows = bubbles([said("bob", 0), said("bob", 1), said("bob", 2), said("me", 3)]);
    expect(ends(rows)).toEqual(["first", "", "last", "firstlast"]);
    expect(rows.map((row) => row.own)).toEqual([false, false, false, true]);
  });

  it("begin anew after a pause and on another day", () => {
    expect(ends(bubbles([said("bob", 0), said("bob", 6)]))).toEqual(["firstlast", "firstlast"]);
    const midnight = 12 * 60;
    const rows = buildRows([said("bob", midnight - 1), said("bob", midnight + 1)], "me");
    expect(rows.map((row) => row.kind)).toEqual(["day", "bubble", "day", "bubble"]);
  });

  it("have a line above what came while nobody looked, and the author is named below it", () => {
    const entries = [said("bob", 0, { seq: 4 }), said("me", 1, { seq: 5 }), said("bob", 2, { seq: 6 }), said("bob", 3, { seq: 7 }), said("bob", 4, { seq: 8 })];
    const kinds = (unseen: { after: number; to: number } | null, hasOlder = true) =>
      buildRows(entries, "me", firstUnseen({ entries, hasOlder, unseen }, "me")).map((row) => (row.kind === "bubble" ? `${row.message!.seq}${row.first ? "!" : ""}` : row.kind));
    expect(kinds({ after: 6, to: 8 })).toEqual(["day", "4!", "5!", "6!", "news", "7!", "8"]);
    // One's own is no news, nor is what comes while one looks.
    expect(kinds({ after: 4, to: 6 })).toEqual(["day", "4!", "5!", "news", "6!", "7", "8"]);
    for (const none of [null, { after: 4, to: 5 }, { after: 8, to: 8 }]) expect(kinds(none)).not.toContain("news");
    // Where older ones are to come, the first of them is not known.
    expect(kinds({ after: 2, to: 8 })).not.toContain("news");
    expect(kinds({ after: 2, to: 8 }, false)).toEqual(["day", "news", "4!", "5!", "6!", "7", "8"]);
  });

  it("offer changes of own messages for as long as one may", () => {
    const [mine, theirs, gone] = bubbles([said("me", 0), said("bob", 0), said("me", 1, { deletedAt: "x" })]);
    const edits = (row: BubbleRow, now: number, windowMs: number) => changesOf(row, of("member"), now, windowMs, false).edit;
    expect(edits(mine!, noon + 298_999, 300_000)).toBe(true);
    // The last second is for the way to the server.
    expect(edits(mine!, noon + 299_000, 300_000)).toBe(false);
    expect(edits(mine!, noon + 298_999, 60_000)).toBe(false);
    expect(edits(mine!, noon, 0)).toBe(false);
    expect(edits(theirs!, noon, 300_000)).toBe(false);
    expect(edits(gone!, noon, 300_000)).toBe(false);
  });

  it("say why an own message can be changed no more, and what can be done all the same", () => {
    const [mine] = bubbles([said("me", 0)]);
    const [soon, late] = [noon + 60_000, noon + 400_000];
    const told = (role: Role, now: number, silent = false, more: Partial<Room> = {}) => {
      const { edit, delete: deletes, closed } = changesOf(mine!, of(role, more), now, 300_000, silent);
      return [edit, deletes, closed];
    };
    expect(told("member", soon)).toEqual([true, true, null]);
    expect(told("member", late)).toEqual([false, false, "The time in which this message could be changed is over."]);
    expect(told("owner", late)).toEqual([true, true, null]);
    const silent = "While you cannot write here, nothing can be changed either.";
    expect(told("member", soon, true)).toEqual([false, true, silent]);
    expect(told("administrator", late, true)).toEqual([false, true, silent]);
    const archived = [false, false, "This room is archived: nothing in it can be changed."];
    expect(told("owner", soon, false, { archivedAt: "2026-05-20T12:00:00Z" })).toEqual(archived);
  });

  it("know an edited message", () => {
    const later = new Date(noon + 1000).toISOString();
    const message = (entry: RoomEntry) => (entry.kind === "message" ? entry.message : expect.unreachable());
    expect(isEdited(message(said("me", 0)))).toBe(false);
    expect(isEdited(message(said("me", 0, { updatedAt: later })))).toBe(true);
    expect(isEdited(message(said("me", 0, { updatedAt: later, deletedAt: later })))).toBe(false);
  });
});

describe("names and days", () => {
  it("are short where they must be", () => {
    expect(initialsOf("mary.jane")).toBe("MJ");
    expect(initialsOf("bob")).toBe("BO");
    expect(nameOf(new Map(), "00000000-0000-7000-8000-0123456789ab")).toBe("User 6789ab");
  });

  it("are told to be over when they are, and not before", () => {
    expect(endOf(noon)).toBe(momentOf(new Date(noon).toISOString()));
    expect(endOf(noon + 1)).toBe(momentOf(new Date(noon + 60_000).toISOString()));
  });

  it("never promise more time than there is, nor none", () => {
    const texts = [1, 59, 60, 119, 120, 299, 7_199, 7_200, 86_400, 172_799, 172_800].map(leftOf);
    expect(texts).toEqual([
      "1 second",
      "59 seconds",
      "1 minute",
      "1 minute",
      "2 minutes",
      "4 minutes",
      "119 minutes",
      "2 hours",
      "24 hours",
      "47 hours",
      "2 days",
    ]);
  });

  it("say today and yesterday", () => {
    const now = new Date(noon);
    expect(dayLabel(now.toISOString(), now)).toBe("Today");
    expect(dayLabel(new Date(noon - 86_400_000).toISOString(), now)).toBe("Yesterday");
  });
});

describe("what is told of people", () => {
  const now = new Date(noon);
  const before = (minutes: number) => new Date(noon - minutes * 60_000).toISOString();

  it("says when they were seen, as short as it can", () => {
    expect(presenceText({ isOnline: true, lastSeen: before(1) }, now)).toBe("online");
    expect(presenceText({ isOnline: false, lastSeen: before(5) }, now)).toBe(`last seen ${timeOf(before(5))}`);
    const yesterday = before(24 * 60);
    expect(presenceText({ isOnline: false, lastSeen: yesterday }, now)).toBe(`last seen yesterday, ${timeOf(yesterday)}`);
    const long = before(30 * 24 * 60);
    expect(momentOf(long, now)).toBe(`${dayLabel(long, now)}, ${timeOf(long)}`);
    expect(presenceText({ isOnline: false, lastSeen: null }, now)).toBe("offline");
    expect(presenceText(undefined, now)).toBeNull();
  });

  it("names two of those who write", () => {
    const texts = [[], ["bob"], ["bob", "cy"], ["bob", "cy", "di"], ["bob", "cy", "di", "ed"]].map(typingText);
    expect(texts).toEqual([
      "",
      "bob is typing…",
      "bob and cy are typing…",
      "bob, cy and 1 other are typing…",
      "bob, cy and 2 others are typing…",
    ]);
  });

  it("counts them where there are several", () => {
    const text = (state: "sent" | "delivered" | "read", delivered: number, read: number, others: number) =>
      deliveryText({ state, delivered, read, others });
    expect([text("sent", 0, 0, 1), text("delivered", 1, 0, 1), text("read", 1, 1, 1)]).toEqual(["Sent", "Delivered", "Read"]);
    expect(text("sent", 0, 0, 3)).toBe("Sent");
    expect(text("sent", 2, 0, 3)).toBe("Sent, delivered to 2 of 3");
    expect(text("sent", 2, 1, 3)).toBe("Sent, delivered to 2 of 3, read by 1");
    expect(text("delivered", 3, 2, 3)).toBe("Delivered to all, read by 2");
    expect(text("read", 3, 3, 3)).toBe("Read by all");
  });
});
