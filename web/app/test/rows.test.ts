import { describe, expect, it } from "vitest";
import type { Message, RoomEntry } from "@chat/sdk";
import { dayLabel, initialsOf, nameOf } from "../src/format.js";
import { buildRows, canChange, isEdited, type BubbleRow } from "../src/room/rows.js";

const noon = new Date(2026, 4, 20, 12, 0).getTime();

function said(userId: string, minutes: number, changes: Partial<Message> = {}): RoomEntry {
  const at = new Date(noon + minutes * 60_000).toISOString();
  const id = `${userId}-${minutes}`;
  const message = { id, roomId: "r", userId, content: id, createdAt: at, updatedAt: at, seq: 1, ...changes };
  return { key: id, kind: "message", message };
}

const bubbles = (entries: RoomEntry[]) =>
  buildRows(entries, "me").filter((row): row is BubbleRow => row.kind === "bubble");
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

  it("offer changes of own messages for five minutes", () => {
    const [mine, theirs, gone] = bubbles([said("me", 0), said("bob", 0), said("me", 1, { deletedAt: "x" })]);
    expect(canChange(mine!, noon + 299_000)).toBe(true);
    expect(canChange(mine!, noon + 300_000)).toBe(false);
    expect(canChange(theirs!, noon)).toBe(false);
    expect(canChange(gone!, noon)).toBe(false);
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

  it("say today and yesterday", () => {
    const now = new Date(noon);
    expect(dayLabel(now.toISOString(), now)).toBe("Today");
    expect(dayLabel(new Date(noon - 86_400_000).toISOString(), now)).toBe("Yesterday");
  });
});
