import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev -w @chat/app` serves the page itself and hands the rest to a server on port 3000.
const api = { target: "http://127.0.0.1:3000", changeOrigin: false };

export default defineConfig({
  base: "/app/",
  plugins: [react()],
  build: {
    outDir: "../dist/app",
    emptyOutDir: true,
    // The policy is `default-src 'self'`: nothing may become a data: URL.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      "/auth": api,
      "/users": api,
      "/rooms": api,
      "/directory": api,
      "/direct-rooms": api,
      "/invites": api,
      "/messages": api,
      "/reports": api,
      "/attachments": api,
      "/avatars": api,
      "/ws": { ...api, ws: true },
    },
  },
});
