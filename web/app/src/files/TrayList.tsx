import { useEffect, useState, useSyncExternalStore } from "react";
import { sizeOf } from "../format.js";
import { Icon } from "../ui/Icon.js";
import { isImage, labelOf } from "./kinds.js";
import type { Tray, TrayItem, TrayView } from "./tray.js";

export function useTray(tray: Tray): TrayView {
  return useSyncExternalStore(tray.subscribe, tray.snapshot);
}

/** What goes with the message, above the text. */
export function TrayList({ tray, onGone }: { tray: Tray; onGone: () => void }) {
  const { items, objections } = useTray(tray);
  const remove = (key: number) => {
    tray.remove(key);
    // The button that had the focus is gone.
    onGone();
  };
  return (
    <>
      <div role="alert" className="tray-objections">
        {objections.map((text) => (
          <p key={text} className="field-error">
            {text}
          </p>
        ))}
        {objections.length > 0 && (
          <button
            type="button"
            className="button small"
            onClick={() => {
              tray.dismiss();
              onGone();
            }}
          >
            Dismiss
          </button>
        )}
      </div>
      {items.length > 0 && (
        <ul className="tray" aria-label="Files to be sent">
          {items.map((item) => (
            <TrayRow key={item.key} item={item} onRetry={() => tray.retry(item.key)} onRemove={() => remove(item.key)} />
          ))}
        </ul>
      )}
    </>
  );
}

interface TrayRowProps {
  item: TrayItem;
  onRetry: () => void;
  onRemove: () => void;
}

function TrayRow({ item: { file, state, progress, error }, onRetry, onRemove }: TrayRowProps) {
  const percent = Math.round(progress * 100);
  return (
    <li className={`tray-item ${state === "failed" ? "tray-failed" : ""}`}>
      <LocalPreview file={file} />
      <div className="tray-text">
        <p className="file-name">{file.name}</p>
        {state === "failed" ? (
          <p className="field-error" role="alert">
            {error}
          </p>
        ) : (
          <p className="file-detail">
            {sizeOf(file.size)}
            {state === "done" && " · ready"}
          </p>
        )}
        {state === "uploading" && (
          <progress max={100} value={percent} aria-label={`Uploading ${file.name}`}>
            {percent} %
          </progress>
        )}
      </div>
      {state === "failed" && (
        <button type="button" className="icon-button" onClick={onRetry} aria-label={`Try ${file.name} again`} title="Try again">
          <Icon name="retry" />
        </button>
      )}
      <button
        type="button"
        className="icon-button"
        onClick={onRemove}
        aria-label={`${state === "uploading" ? "Cancel" : "Remove"} ${file.name}`}
        title={state === "uploading" ? "Cancel" : "Remove"}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

function LocalPreview({ file }: { file: File }) {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!isImage(file.type)) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  if (url) return <img className="tray-preview" src={url} alt="" />;
  return (
    <span className="tray-preview file-symbol" aria-hidden="true">
      {labelOf(file)}
    </span>
  );
}
