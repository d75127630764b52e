import type { User } from "@chat/sdk";
import { ResendMail } from "../auth/ResendMail.js";
import { Icon } from "../ui/Icon.js";

/** As long as the address is not confirmed: what that means, and what to do. */
export function VerifyBanner({ user }: { user: User }) {
  if (user.emailVerified !== false) return null;
  return (
    <section className="banner banner-verify" aria-label="Confirm your e-mail address">
      <Icon name="mail" />
      <p>
        <strong>Confirm your e-mail address.</strong> Until then you can join and read public rooms, but not write or make
        rooms. The link is in the mail to {user.email}. <a href="#/settings/account">Wrong address?</a>
      </p>
      <ResendMail />
    </section>
  );
}
