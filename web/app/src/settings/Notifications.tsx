import { useState } from "react";
import { allowNotices, noticeState, stopNotices, type NoticeState } from "../notices.js";
import { Section } from "./Section.js";

const FACTS: Record<NoticeState, string> = {
  unsupported: "This browser knows no notices.",
  denied: "This browser does not let the page show notices. Allow them for this address in the browser's own settings, then come back.",
  off: "Notices are off in this browser.",
  on: "Notices are on in this browser. They come while you look elsewhere.",
};

export function Notifications() {
  const [state, setState] = useState(noticeState);
  return (
    <Section
      title="Notices on this device"
      lead="What is new, beside your other programs, while this page is in the background. Of which rooms, each room's own menu says: all messages, mentions, or nothing."
    >
      <p className="setting-fact" role="status">
        {FACTS[state]}
      </p>
      <div className="save-row">
        {state === "off" && (
          <button type="button" className="button primary" onClick={() => void allowNotices().then(setState)}>
            Turn notices on
          </button>
        )}
        {state === "on" && (
          <button type="button" className="button" onClick={() => setState(stopNotices())}>
            Turn notices off
          </button>
        )}
      </div>
    </Section>
  );
}
