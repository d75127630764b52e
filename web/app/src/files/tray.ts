// Files on their way into a message: uploaded as soon as they are chosen, so
// that sending need not wait. Pure state and no page: it can be tried alone.

import type { Attachment, MessageLimits } from "@chat/sdk";
import { count } from "../format.js";
import { objectionTo } from "./kinds.js";

export interface TrayItem {
  readonly key: number;
  readonly file: File;
  readonly state: "uploading" | "done" | "failed";
  /** From 0 to 1. */
  readonly progress: number;
  readonly error: string | null;
  readonly attachment: Attachment | null;
}

export interface TrayView {
  readonly items: readonly TrayItem[];
  /** What was not taken at all, and why. */
  readonly objections: readonly string[];
}

export interface TrayPort {
  upload(file: File, options: { signal: AbortSignal; onProgress: (share: number) => void }): Promise<Attachment>;
  explain(reason: unknown): string;
  limits(): Pick<MessageLimits, "files" | "fileBytes">;
}

export class Tray {
  private view: TrayView = { items: [], objections: [] };
  private readonly running = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();
  private keys = 0;

  constructor(private readonly port: TrayPort) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  readonly snapshot = (): TrayView => this.view;

  add(files: readonly File[]): void {
    const objections: string[] = [];
    const items: TrayItem[] = [];
    const limits = this.port.limits();
    let room = limits.files - this.view.items.length;
    for (const file of files) {
      const objection = objectionTo(file, limits.fileBytes);
      if (objection) objections.push(`${file.name}: ${objection}`);
      else if (room-- > 0) items.push({ key: (this.keys += 1), file, state: "uploading", progress: 0, error: null, attachment: null });
    }
    if (room < 0) objections.push(`A message takes ${count(limits.files, "file", "files")}: ${count(-room, "file was", "files were")} left out.`);
    this.set({ items: [...this.view.items, ...items], objections });
    for (const item of items) void this.upload(item);
  }

  retry(key: number): void {
    const item = this.view.items.find((other) => other.key === key);
    if (item?.state !== "failed") return;
    this.change(key, { state: "uploading", progress: 0, error: null });
    void this.upload(item);
  }

  /** The objections were read. */
  dismiss(): void {
    this.set({ ...this.view, objections: [] });
  }

  /** Called off, or not wanted after all. */
  remove(key: number): void {
    this.running.get(key)?.abort();
    this.running.delete(key);
    this.set({ ...this.view, items: this.view.items.filter((item) => item.key !== key) });
  }

  /** What a message is sent with; the tray is empty afterwards. */
  take(): Attachment[] {
    const attachments = this.view.items.flatMap(({ attachment }) => attachment ?? []);
    this.set({ items: [], objections: [] });
    return attachments;
  }

  clear(): void {
    for (const { key } of this.view.items) this.running.get(key)?.abort();
    this.running.clear();
    this.set({ items: [], objections: [] });
  }

  private async upload({ key, file }: TrayItem): Promise<void> {
    const controller = new AbortController();
    this.running.set(key, controller);
    try {
      const { signal } = controller;
      const attachment = await this.port.upload(file, { signal, onProgress: (progress) => this.change(key, { progress }) });
      this.change(key, { state: "done", progress: 1, attachment });
    } catch (reason) {
      if (!controller.signal.aborted) this.change(key, { state: "failed", error: this.port.explain(reason) });
    }
    if (this.running.get(key) === controller) this.running.delete(key);
  }

  private change(key: number, change: Partial<TrayItem>): void {
    const items = this.view.items.map((item) => (item.key === key ? { ...item, ...change } : item));
    this.set({ ...this.view, items });
  }

  private set(view: TrayView): void {
    this.view = view;
    for (const listener of this.listeners) listener();
  }
}
