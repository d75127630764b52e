import type { User } from "@chat/sdk";
import type { SettingsSection } from "../router.js";
import { Devices } from "./Devices.js";
import { EmailSetting } from "./EmailSetting.js";
import { Notifications } from "./Notifications.js";
import { PasswordSetting } from "./PasswordSetting.js";
import { Privacy } from "./Privacy.js";
import { Profile } from "./Profile.js";
import { SecondFactor } from "./SecondFactor.js";
import { SectionsPage } from "./SectionsPage.js";
import { YourData } from "./YourData.js";

const NAMES: Record<SettingsSection, string> = {
  profile: "Profile",
  account: "Signing in",
  notifications: "Notifications",
  devices: "Devices",
  privacy: "Blocked people",
  data: "Your data",
};

export default function SettingsPage({ user, section }: { user: User; section: SettingsSection }) {
  return (
    <SectionsPage
      title="Settings"
      label="Settings"
      path="#/settings/"
      names={NAMES}
      current={section}
      documentTitle={`${NAMES[section]} · Settings`}
    >
      {section === "profile" && <Profile user={user} />}
      {section === "account" && (
        <>
          <EmailSetting user={user} />
          <PasswordSetting user={user} />
          <SecondFactor user={user} />
        </>
      )}
      {section === "notifications" && <Notifications />}
      {section === "devices" && <Devices />}
      {section === "privacy" && <Privacy user={user} />}
      {section === "data" && <YourData user={user} />}
    </SectionsPage>
  );
}
