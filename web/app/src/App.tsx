import { useEffect } from "react";
import { AuthPage } from "./auth/AuthPage.js";
import { chat, useChat } from "./chat.js";
import { navigate, useRoute } from "./router.js";
import { Shell } from "./rooms/Shell.js";

export function App() {
  const user = useChat("session", () => chat.currentUser);
  const route = useRoute();
  const onAuthPage = route.page === "login" || route.page === "register";

  useEffect(() => {
    if (user && onAuthPage) navigate("#/rooms");
  }, [user, onAuthPage]);

  if (user) return <Shell user={user} roomId={route.page === "room" ? route.roomId : null} />;
  // The address stays, so that logging in leads to the room that was asked for.
  return <AuthPage mode={route.page === "register" ? "register" : "login"} />;
}
