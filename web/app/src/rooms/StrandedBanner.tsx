import { chat, useChat } from "../chat.js";
import { count } from "../format.js";
import { CopyButton } from "../ui/CopyButton.js";
import { Icon } from "../ui/Icon.js";

/** What was refused in a room that one is no longer in: the room cannot say it. One at a time. */
export function StrandedBanner() {
  const [draft, ...others] = useChat("stranded", () => chat.messages.stranded);
  return (
    <div role="status">
      {draft && (
        <div key={draft.clientMsgId} className="banner banner-stopped banner-stranded">
          <Icon name="warning" />
          <p>
            <strong>Not sent: you are not in its room any more.</strong>{" "}
            {draft.content || count(draft.attachments?.length ?? 0, "file", "files")}
          </p>
          {draft.content && <CopyButton text={draft.content} label="Copy text" />}
          <button type="button" className="button small" onClick={() => chat.messages.discard(draft.clientMsgId)}>
            Discard
          </button>
          {others.length > 0 && <span>{others.length} more</span>}
        </div>
      )}
    </div>
  );
}
