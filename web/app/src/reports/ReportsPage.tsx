import { useEffect } from "react";
import type { ReportStatus } from "@chat/sdk";
import { Section } from "../settings/Section.js";
import { Icon } from "../ui/Icon.js";
import { Reports } from "./Reports.js";

const NAMES: Record<ReportStatus, string> = { open: "Open", resolved: "Resolved" };

/** What is reported anywhere, for those who look after the server. */
export default function ReportsPage({ status }: { status: ReportStatus }) {
  useEffect(() => {
    document.title = "Reported messages · Chat";
  }, []);
  return (
    <div className="settings">
      <header className="room-header">
        <a className="icon-button room-back" href="#/rooms" aria-label="Back to your rooms">
          <Icon name="back" />
        </a>
        <h1>Reported messages</h1>
        <a className="icon-button settings-close" href="#/rooms" aria-label="Close the reports" title="Close">
          <Icon name="close" />
        </a>
      </header>
      <nav className="settings-nav" aria-label="Reports">
        {(Object.keys(NAMES) as ReportStatus[]).map((name) => (
          <a key={name} href={`#/reports/${name}`} aria-current={name === status ? "page" : undefined}>
            {NAMES[name]}
          </a>
        ))}
      </nav>
      <div className="settings-body" key={status} tabIndex={-1}>
        <Section
          title={status === "open" ? "Open reports" : "Resolved reports"}
          lead="From all rooms of the server, but for your own messages. That you read them is recorded."
        >
          <Reports roomId={null} status={status} onLeave={() => {}} />
        </Section>
      </div>
    </div>
  );
}
