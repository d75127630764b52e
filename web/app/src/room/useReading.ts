import { useEffect } from "react";
import { chat } from "../chat.js";

/** Tells the client as long as the room's end is before somebody's eyes. */
export function useReading(roomId: string, atEnd: boolean): void {
  useEffect(() => {
    const tell = () => chat.reading(atEnd && document.visibilityState === "visible" ? roomId : null);
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => {
      document.removeEventListener("visibilitychange", tell);
      chat.reading(null);
    };
  }, [roomId, atEnd]);
}
