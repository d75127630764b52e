import type { ReportStatus } from "@chat/sdk";
import { Section } from "../settings/Section.js";
import { SectionsPage } from "../settings/SectionsPage.js";
import { Reports } from "./Reports.js";

const NAMES: Record<ReportStatus, string> = { open: "Open", resolved: "Resolved" };

/** What is reported anywhere, for those who look after the server. */
export default function ReportsPage({ status }: { status: ReportStatus }) {
  const title = "Reported messages";
  return (
    <SectionsPage title={title} label="Reports" path="#/reports/" names={NAMES} current={status} documentTitle={title}>
      <Section
        title={status === "open" ? "Open reports" : "Resolved reports"}
        lead="From all rooms of the server, but for your own messages. That you read them is recorded."
      >
        <Reports roomId={null} status={status} onLeave={() => {}} />
      </Section>
    </SectionsPage>
  );
}
