import { useEffect } from "react";
import { AuthPage } from "./auth/AuthPage.js";
import { ClosedPage } from "./auth/ClosedPage.js";
import { ForgotPage } from "./auth/ForgotPage.js";
import { MailLinkPage } from "./auth/MailLinkPage.js";
import { ResetPage } from "./auth/ResetPage.js";
import { chat, useChat } from "./chat.js";
import { navigate, useRoute } from "./router.js";
import { InvitePage } from "./rooms/InvitePage.js";
import { Shell } from "./rooms/Shell.js";

/** Followed before logging in; gone with the page, because whoever has it can come in. */
let waitingInvite = "";

export function App() {
  const user = useChat("me", () => chat.currentUser);
  const route = useRoute();
  const onAuthPage = route.page === "login" || route.page === "register";

  useEffect(() => {
    if (!user || !onAuthPage) return;
    navigate(waitingInvite ? `#/invite/${encodeURIComponent(waitingInvite)}` : "#/rooms");
    waitingInvite = "";
  }, [user, onAuthPage]);

  // A mail may be read where nobody is logged in, or somebody else is.
  switch (route.page) {
    case "verify-email":
    case "confirm-email":
      return <MailLinkPage key={route.page} page={route.page} token={route.token} />;
    case "reset-password":
      return <ResetPage token={route.token} />;
    case "forgot-password":
      return <ForgotPage />;
    case "account-closed":
      if (!user) return <ClosedPage />;
  }
  if (route.page === "invite") {
    if (user) return <InvitePage key={route.token} token={route.token} />;
    waitingInvite = route.token;
  }
  if (user) return <Shell user={user} route={route} />;
  // The address stays, so that logging in leads to the room that was asked for.
  return <AuthPage mode={route.page === "register" ? "register" : "login"} invited={waitingInvite !== ""} />;
}
