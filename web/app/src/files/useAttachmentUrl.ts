// An <img> cannot carry a token: pictures are fetched with it and shown from memory.

import { useEffect, useState } from "react";
import { chat } from "../chat.js";
import { acquire, release } from "./pictures.js";

export interface Picture {
  url: string | null;
  failed: boolean;
  retry: () => void;
}

/** Loads when `wanted`. */
export function useAttachmentUrl(id: string, kind: "file" | "thumbnail", wanted: boolean): Picture {
  const [url, setUrl] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    if (!wanted) return;
    const key = `${kind}:${id}`;
    const entry = acquire(key, (signal) => chat.transfer.loadAttachment(id, kind, signal));
    let current = true;
    setFailed(false);
    entry.url.then(
      (made) => current && setUrl(made),
      () => current && setFailed(true),
    );
    return () => {
      current = false;
      release(key, entry);
    };
  }, [id, kind, wanted, attempt]);
  return { url, failed, retry: () => setAttempt(attempt + 1) };
}
