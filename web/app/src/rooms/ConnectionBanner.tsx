import { useEffect, useState } from "react";
import { chat, useChat } from "../chat.js";
import { Icon } from "../ui/Icon.js";

/** A connection made within this time is not worth a word. */
const PATIENCE_MS = 1_200;

export function ConnectionBanner() {
  const state = useChat("connection", () => chat.connectionStatus);
  const ready = state.status === "ready";
  const [late, setLate] = useState(false);
  // From the first failure until ready again: retrying must not flicker.
  const [outage, setOutage] = useState(false);

  useEffect(() => {
    setLate(false);
    if (ready) return;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [ready]);

  useEffect(() => {
    if (state.status === "waiting") setOutage(true);
    if (ready) setOutage(false);
  }, [state, ready]);

  const stopped = state.status === "stopped";
  const visible = stopped || (late && !ready);
  return (
    <div role="status">
      {visible && (
        <div className={`banner ${stopped ? "banner-stopped" : ""}`}>
          <Icon name={stopped ? "warning" : "clock"} />
          <p>
            {state.status === "stopped"
              ? state.reason
              : outage
                ? "You are offline. Your messages are kept and will be sent."
                : "Connecting…"}
          </p>
          {(state.status === "waiting" || stopped) && (
            <button type="button" className="button small" onClick={() => chat.reconnectNow()}>
              Try now
            </button>
          )}
        </div>
      )}
    </div>
  );
}
