import { createRoot } from "react-dom/client";
import { browserEnvironment } from "@chat/sdk";
import { App } from "./App.js";
import { startChat } from "./chat.js";
import { loadPlaces } from "./config.js";
import { startNotices } from "./notices.js";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/fields.css";
import "./styles/auth.css";
import "./styles/shell.css";
import "./styles/room.css";
import "./styles/message.css";
import "./styles/markdown.css";
import "./styles/files.css";
import "./styles/dialog.css";
import "./styles/menu.css";
import "./styles/beside.css";
import "./styles/settings.css";
import "./styles/reports.css";

const root = document.getElementById("root")!;
const load = (name: string) => fetch(import.meta.env.BASE_URL + name, { cache: "no-store" });

try {
  startChat(browserEnvironment(await loadPlaces(load, location.origin)));
  startNotices();
  createRoot(root).render(<App />);
} catch (error) {
  // Without it there is nobody to talk to; guessing would only hide what is wrong.
  root.textContent = `This page could not be started: ${error instanceof Error ? error.message : error}. Reload it to try again.`;
}
