import { useEffect, useRef, useState } from "react";
import type { Attachment } from "@chat/sdk";
import { chat } from "../chat.js";
import { sizeOf } from "../format.js";
import { saveFile } from "../ui/save.js";
import { useTask } from "../ui/useTask.js";
import { Icon } from "../ui/Icon.js";
import { ImageDialog } from "./ImageDialog.js";
import { isImage, labelOf } from "./kinds.js";
import { useAttachmentUrl } from "./useAttachmentUrl.js";

/** Pictures side by side, everything else as cards below. */
export function Attachments({ attachments }: { attachments: readonly Attachment[] }) {
  const [shown, setShown] = useState<Attachment | null>(null);
  const pictures = attachments.filter(({ type }) => isImage(type));
  const files = attachments.filter(({ type }) => !isImage(type));
  return (
    <div className="attachments">
      {pictures.length > 0 && (
        <ul className={`pictures ${pictures.length > 1 ? "pictures-many" : ""}`} aria-label="Pictures">
          {pictures.map((picture) => (
            <li key={picture.id}>
              <Thumbnail attachment={picture} onOpen={() => setShown(picture)} />
            </li>
          ))}
        </ul>
      )}
      {files.length > 0 && (
        <ul className="file-cards" aria-label="Files">
          {files.map((file) => (
            <li key={file.id}>
              <FileCard attachment={file} />
            </li>
          ))}
        </ul>
      )}
      {shown && <ImageDialog attachment={shown} onClose={() => setShown(null)} />}
    </div>
  );
}

/** Its box has its size before there is a picture, so nothing jumps. */
function Thumbnail({ attachment, onOpen }: { attachment: Attachment; onOpen: () => void }) {
  const ref = useRef<HTMLButtonElement>(null);
  const near = useNear(ref);
  const { url, failed, retry } = useAttachmentUrl(attachment.id, attachment.thumbnailUrl ? "thumbnail" : "file", near);
  if (failed) {
    return (
      <button type="button" className="picture-box" onClick={retry}>
        <Icon name="retry" />
        <span>{attachment.name} could not be loaded. Try again</span>
      </button>
    );
  }
  return (
    <button ref={ref} type="button" className="picture-box" onClick={onOpen} aria-label={`Open picture ${attachment.name}`}>
      {url ? <img src={url} alt={attachment.name} decoding="async" /> : <span className="skeleton picture-wait" />}
    </button>
  );
}

function FileCard({ attachment }: { attachment: Attachment }) {
  const { busy, error, run } = useTask();
  const download = () => void run(async () => saveFile(await chat.transfer.loadAttachment(attachment.id, "file"), attachment.name));
  return (
    <div className="file-card">
      <span className="file-symbol" aria-hidden="true">
        {labelOf(attachment)}
      </span>
      <div className="tray-text">
        <p className="file-name">{attachment.name}</p>
        <p className={error ? "field-error" : "file-detail"} role={error ? "alert" : undefined}>
          {error ?? `${labelOf(attachment)} · ${sizeOf(attachment.size)}`}
        </p>
      </div>
      <button
        type="button"
        className="icon-button"
        onClick={download}
        disabled={busy}
        aria-label={`Download ${attachment.name}`}
        title="Download"
      >
        <Icon name={busy ? "clock" : "download"} />
      </button>
    </div>
  );
}

/** True once it has been near the window: a long history loads no picture that nobody looks at. */
function useNear(ref: { current: Element | null }): boolean {
  const [near, setNear] = useState(typeof IntersectionObserver === "undefined");
  useEffect(() => {
    if (near || !ref.current) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setNear(true), {
      rootMargin: "400px",
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [near, ref]);
  return near;
}
