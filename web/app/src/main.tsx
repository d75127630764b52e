import { createRoot } from "react-dom/client";
import { App } from "./App.js";
import { chat } from "./chat.js";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/auth.css";
import "./styles/shell.css";
import "./styles/room.css";
import "./styles/message.css";
import "./styles/dialog.css";

chat.start();
createRoot(document.getElementById("root")!).render(<App />);
