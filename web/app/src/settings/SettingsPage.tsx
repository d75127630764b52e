import { useEffect } from "react";
import type { User } from "@chat/sdk";
import type { SettingsSection } from "../router.js";
import { Icon } from "../ui/Icon.js";
import { Devices } from "./Devices.js";
import { EmailSetting } from "./EmailSetting.js";
import { Notifications } from "./Notifications.js";
import { PasswordSetting } from "./PasswordSetting.js";
import { Privacy } from "./Privacy.js";
import { Profile } from "./Profile.js";
import { SecondFactor } from "./SecondFactor.js";
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
  useEffect(() => {
    document.title = `${NAMES[section]} · Settings · Chat`;
  }, [section]);
  return (
    <div className="settings">
      <header className="room-header">
        <a className="icon-button room-back" href="#/rooms" aria-label="Back to your rooms">
          <Icon name="back" />
        </a>
        <h1>Settings</h1>
        <a className="icon-button settings-close" href="#/rooms" aria-label="Close the settings" title="Close">
          <Icon name="close" />
        </a>
      </header>
      <nav className="settings-nav" aria-label="Settings">
        {(Object.keys(NAMES) as SettingsSection[]).map((name) => (
          <a key={name} href={`#/settings/${name}`} aria-current={name === section ? "page" : undefined}>
            {NAMES[name]}
          </a>
        ))}
      </nav>
      <div className="settings-body" key={section} tabIndex={-1}>
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
      </div>
    </div>
  );
}
