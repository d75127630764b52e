import { useEffect } from "react";
import { AuthPage } from "./auth/AuthPage.js";
import { ClosedPage } from "./auth/ClosedPage.js";
import { ForgotPage } from "./auth/ForgotPage.js";
import { MailLinkPage } from "./auth/MailLinkPage.js";
import { ResetPage } from "./auth/ResetPage.js";
import { chat, useChat } from "./chat.js";
import { navigate, useRoute } from "./router.js";
import { Shell } from "./rooms/Shell.js";

export function App() {
  const user = useChat("me", () => chat.currentUser);
  const route = useRoute();
  const onAuthPage = route.page === "login" || route.page === "register";

  useEffect(() => {
    if (user && onAuthPage) navigate("#/rooms");
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
  if (user) return <Shell user={user} route={route} />;
  // The address stays, so that logging in leads to the room that was asked for.
  return <AuthPage mode={route.page === "register" ? "register" : "login"} />;
}
