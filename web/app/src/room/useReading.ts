import { useEffect } from "react";
import { chat } from "../chat.js";

/** Tells the client who stands at the room's end, and as long as the room's end is before somebody's eyes. */
export function useReading(roomId: string, atEnd: boolean): void {
  useEffect(() => {
    chat.messages.following(atEnd ? roomId : null);
    return () => chat.messages.following(null);
  }, [roomId, atEnd]);
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
