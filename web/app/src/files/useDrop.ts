import { useEffect, useRef, useState, type DragEvent } from "react";

const holdsFiles = (event: { dataTransfer: DataTransfer | null }) => event.dataTransfer?.types.includes("Files") ?? false;

/** Files dragged over an element and dropped there; text and links are left to the browser. Null: none are taken. */
export function useDrop(onFiles: ((files: File[]) => void) | null) {
  const [over, setOver] = useState(false);
  // Each child that is entered is one more; leaving it one less.
  const depth = useRef(0);

  // Dropped beside it, a file would take the place of the whole page.
  useEffect(() => {
    const keep = (event: globalThis.DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      if (event.type === "dragover" && event.target instanceof Element && !event.target.closest("[data-takes-files]")) {
        event.dataTransfer!.dropEffect = "none";
      }
    };
    window.addEventListener("dragover", keep);
    window.addEventListener("drop", keep);
    return () => {
      window.removeEventListener("dragover", keep);
      window.removeEventListener("drop", keep);
    };
  }, []);

  const end = () => {
    depth.current = 0;
    setOver(false);
  };
  return {
    over,
    handlers: onFiles && {
      "data-takes-files": true,
      onDragEnter: (event: DragEvent) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        depth.current += 1;
        setOver(true);
      },
      onDragOver: (event: DragEvent) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      },
      onDragLeave: (event: DragEvent) => {
        if (holdsFiles(event) && (depth.current -= 1) <= 0) end();
      },
      onDrop: (event: DragEvent) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        end();
        onFiles([...event.dataTransfer.files]);
      },
    },
  };
}
