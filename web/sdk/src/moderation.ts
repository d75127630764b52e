// What is reported, and what comes of it: for those who look after a room, and
// for those who look after the server.

import type { HttpClient } from "./http.js";
import type { Message } from "./types.js";

export type ReportStatus = "open" | "resolved";
export type ReportAction = "dismiss" | "delete";

/** What people complained of, one a message. */
export interface Report {
  id: string;
  /** As it is now. */
  message: Message;
  reporters: { userId: string; reason: string; createdAt: string }[];
  createdAt: string;
  status: ReportStatus;
  /** Null while it is open. */
  resolution?: { action: ReportAction; by: string; reason?: string; createdAt: string } | null;
}

/** Newest first. */
export interface ReportPage {
  reports: Report[];
  nextCursor: string | null;
}

export class Moderation {
  constructor(
    private readonly http: HttpClient,
    /** These people are named. */
    private readonly shown: (userIds: Iterable<string>) => void,
  ) {}

  /** Of a room; without one of all of them, which only those may read who look after the server. */
  async reports(roomId: string | null, status: ReportStatus, cursor?: string, limit = 20): Promise<ReportPage> {
    const path = roomId === null ? "/admin/reports" : `/rooms/${encodeURIComponent(roomId)}/reports`;
    const page = await this.http.request<ReportPage>(path, { query: { status, limit, cursor } });
    for (const { message, reporters, resolution } of page.reports) {
      this.shown([message.userId, ...reporters.map(({ userId }) => userId), ...(resolution ? [resolution.by] : [])]);
    }
    return page;
  }

  /** Of a deletion everybody in the room is told the reason. */
  resolve(reportId: string, action: ReportAction, reason?: string): Promise<void> {
    const body = { action, ...(reason ? { reason } : {}) };
    return this.http.request(`/reports/${encodeURIComponent(reportId)}/resolve`, { method: "POST", body });
  }
}
