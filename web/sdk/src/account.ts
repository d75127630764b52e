// What people do with their own accounts, one method a route.

import type { HttpClient } from "./http.js";
import type { Transfer } from "./transfer.js";
import type { User } from "./types.js";

/** One device or browser that is logged in. */
export interface LoginSession {
  id: string;
  device: string | null;
  network: string | null;
  createdAt: string;
  lastUsedAt: string;
  isCurrent: boolean;
}

export interface NewSecondFactor {
  /** For typing it by hand. */
  secret: string;
  /** For the QR code. */
  uri: string;
}

/** What takes the server longer than an answer may. */
export interface Job {
  id: string;
  kind: "export" | "deletion";
  state: "queued" | "running" | "done" | "failed";
  /** From 0 to 1. */
  progress: number;
  createdAt: string;
  finishedAt?: string | null;
}

/** Null clears, what is left out stays. */
export interface ProfileChange {
  displayName?: string | null;
  statusText?: string | null;
}

export interface Farewell {
  password: string;
  code?: string;
  /** Whether what one wrote stays, by “deleted user”. */
  messages: "keep" | "delete";
}

/** Lists come bare or in an object that names them. */
type Listed<K extends string, T> = T[] | Record<K, T[]>;
const items = <K extends string, T>(key: K, list: Listed<K, T>): T[] => (Array.isArray(list) ? list : list[key]);

const open = { method: "POST", authenticated: false } as const;

export class AccountApi {
  constructor(
    private readonly http: HttpClient,
    private readonly transfer: Transfer,
  ) {}

  // --- what came by mail -------------------------------------------------------

  verifyEmail(token: string): Promise<void> {
    return this.http.request("/auth/verify-email", { ...open, body: { token } });
  }

  /** True once both addresses have agreed. */
  async confirmEmail(token: string): Promise<boolean> {
    const answer = await this.http.request<{ changed: boolean }>("/auth/confirm-email", { ...open, body: { token } });
    return answer.changed;
  }

  forgotPassword(email: string): Promise<void> {
    return this.http.request("/auth/forgot-password", { ...open, body: { email } });
  }

  resetPassword(token: string, password: string): Promise<void> {
    return this.http.request("/auth/reset-password", { ...open, body: { token, password } });
  }

  resendVerification(): Promise<void> {
    return this.http.request("/auth/verify-email/resend", { method: "POST" });
  }

  // --- how one signs in --------------------------------------------------------

  changePassword(currentPassword: string, newPassword: string, code?: string): Promise<void> {
    const body = { currentPassword, newPassword, ...(code ? { code } : {}) };
    return this.http.request("/users/me/password", { method: "PUT", body });
  }

  changeEmail(email: string, password: string, code?: string): Promise<void> {
    return this.http.request("/users/me/email", { method: "PUT", body: { email, password, ...(code ? { code } : {}) } });
  }

  /** Waits until it is confirmed by a first code. */
  startSecondFactor(password: string): Promise<NewSecondFactor> {
    return this.http.request("/users/me/second-factor", { method: "POST", body: { password } });
  }

  /** Gives the recovery codes. */
  async confirmSecondFactor(code: string): Promise<string[]> {
    const path = "/users/me/second-factor/confirm";
    const answer = await this.http.request<{ recoveryCodes: string[] }>(path, { method: "POST", body: { code } });
    return answer.recoveryCodes;
  }

  /** Those before are worthless from now on. */
  async newRecoveryCodes(password: string, code: string): Promise<string[]> {
    const path = "/users/me/second-factor/recovery-codes";
    const answer = await this.http.request<{ recoveryCodes: string[] }>(path, { method: "POST", body: { password, code } });
    return answer.recoveryCodes;
  }

  removeSecondFactor(password: string, code: string): Promise<void> {
    return this.http.request("/users/me/second-factor", { method: "DELETE", body: { password, code } });
  }

  // --- where one is logged in --------------------------------------------------

  async sessions(): Promise<LoginSession[]> {
    return items("sessions", await this.http.request<Listed<"sessions", LoginSession>>("/auth/sessions"));
  }

  endSession(sessionId: string): Promise<void> {
    return this.http.request(`/auth/sessions/${encodeURIComponent(sessionId)}`, { method: "DELETE" });
  }

  logoutAll(): Promise<void> {
    return this.http.request("/auth/logout-all", { method: "POST" });
  }

  // --- how one is seen ---------------------------------------------------------

  changeProfile(change: ProfileChange): Promise<User> {
    return this.http.request("/users/me", { method: "PATCH", body: change });
  }

  setAvatar(file: Blob): Promise<User | undefined> {
    return this.transfer.send("/users/me/avatar", "PUT", file, "avatar");
  }

  removeAvatar(): Promise<void> {
    return this.http.request("/users/me/avatar", { method: "DELETE" });
  }

  /** Two characters at least. */
  async findUsers(username: string, limit = 8): Promise<User[]> {
    return items("users", await this.http.request<Listed<"users", User>>("/users", { query: { username, limit } }));
  }

  async blocks(): Promise<User[]> {
    const listed = await this.http.request<Record<"blocks" | "users", User[]> | User[]>("/users/me/blocks");
    return Array.isArray(listed) ? listed : (listed.blocks ?? listed.users);
  }

  block(userId: string): Promise<void> {
    return this.http.request(`/users/me/blocks/${encodeURIComponent(userId)}`, { method: "PUT" });
  }

  unblock(userId: string): Promise<void> {
    return this.http.request(`/users/me/blocks/${encodeURIComponent(userId)}`, { method: "DELETE" });
  }

  // --- what is kept of one -----------------------------------------------------

  async jobs(): Promise<Job[]> {
    return items("jobs", await this.http.request<Listed<"jobs", Job>>("/users/me/jobs"));
  }

  startExport(): Promise<Job> {
    return this.http.request("/users/me/export", { method: "POST" });
  }

  jobResult(jobId: string): Promise<Blob> {
    return this.transfer.load(`/users/me/jobs/${encodeURIComponent(jobId)}/result`);
  }

  deleteAccount(farewell: Farewell): Promise<Job> {
    return this.http.request("/users/me", { method: "DELETE", body: farewell });
  }
}
