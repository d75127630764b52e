import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  // Tests of components say `@vitest-environment happy-dom` at their top.
  test: { include: ["sdk/test/**/*.test.ts", "app/test/**/*.test.{ts,tsx}"], environment: "node" },
});
