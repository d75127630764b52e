// Which files are taken. The server judges by content; this is what can be said before.

import { ApiError } from "@chat/sdk";
import { explain, sentence, sizeOf } from "../format.js";

const KINDS: Record<string, { type: string; label: string }> = {
  jpg: { type: "image/jpeg", label: "JPEG" },
  jpeg: { type: "image/jpeg", label: "JPEG" },
  png: { type: "image/png", label: "PNG" },
  gif: { type: "image/gif", label: "GIF" },
  pdf: { type: "application/pdf", label: "PDF" },
  doc: { type: "application/msword", label: "DOC" },
  docx: { type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", label: "DOCX" },
};

export const ACCEPT = [...new Set(Object.entries(KINDS).flatMap(([ending, { type }]) => [`.${ending}`, type]))].join(",");
const TAKEN = "JPEG, PNG and GIF pictures, and PDF, DOC and DOCX documents";

export const isImage = (type: string) => /^image\/(jpeg|png|gif)$/.test(type);

/** For a card: “PDF”, or what comes nearest. */
export function labelOf({ type, name }: { type: string; name: string }): string {
  const known = Object.values(KINDS).find((kind) => kind.type === type);
  return known?.label ?? (endingOf(name).toUpperCase() || "File");
}

/** Why a file need not even be tried, or null. */
export function objectionTo(file: Pick<File, "name" | "type" | "size">, maxBytes: number): string | null {
  const known = Object.values(KINDS).some(({ type }) => type === file.type) || endingOf(file.name) in KINDS;
  if (!known) return `This kind of file is not taken. Taken are ${TAKEN}, of up to ${sizeOf(maxBytes)} each.`;
  if (file.size === 0) return "This file is empty.";
  if (file.size > maxBytes) return `This file has ${sizeOf(file.size)}. The limit is ${sizeOf(maxBytes)}.`;
  return null;
}

const endingOf = (name: string) => /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";

/** What the server says of a document that is one, and does or holds what it must not. */
const DOES_SOMETHING = /^(documents|drawings|the document|a PDF|a picture in) /;

export function explainUpload(reason: unknown): string {
  if (reason instanceof ApiError) {
    if (reason.code === "unsupportedMedia" && DOES_SOMETHING.test(reason.message)) return sentence(reason.message);
    if (reason.code === "unsupportedMedia") return "What is in it is no JPEG, PNG, GIF, PDF, DOC or DOCX, whatever it is called.";
    if (reason.code === "tooLarge") return "It is too large, or all of your files together are.";
  }
  return explain(reason);
}
