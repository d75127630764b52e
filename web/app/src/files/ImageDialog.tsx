import type { Attachment } from "@chat/sdk";
import { chat } from "../chat.js";
import { sizeOf } from "../format.js";
import { Dialog } from "../ui/Dialog.js";
import { FormError } from "../ui/Field.js";
import { saveFile } from "../ui/save.js";
import { useTask } from "../ui/useTask.js";
import { useAttachmentUrl } from "./useAttachmentUrl.js";

/** The whole picture, as large as the window allows. */
export function ImageDialog({ attachment, onClose }: { attachment: Attachment; onClose: () => void }) {
  const { url, failed, retry } = useAttachmentUrl(attachment.id, "file", true);
  const { busy, error, run } = useTask();
  const save = () => void run(async () => saveFile(await chat.transfer.loadAttachment(attachment.id, "file"), attachment.name));
  return (
    <Dialog title={attachment.name} variant="picture" onClose={onClose}>
      <div className="picture-stage">
        {url && <img src={url} alt={attachment.name} />}
        {!url && !failed && <p role="status">Loading the picture…</p>}
        {failed && (
          <div className="messages-note" role="alert">
            <p>The picture could not be loaded.</p>
            <button type="button" className="button small" onClick={retry}>
              Try again
            </button>
          </div>
        )}
      </div>
      <FormError text={error} />
      <div className="dialog-actions">
        <span className="note">{sizeOf(attachment.size)}</span>
        <button type="button" className="button" onClick={save} disabled={busy}>
          {busy ? "One moment…" : "Download"}
        </button>
      </div>
    </Dialog>
  );
}
