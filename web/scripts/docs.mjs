// Puts the API reference page together in dist/docs: Swagger UI from its
// package and our own page and start script, so that it works without any
// other host.

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../dist/docs");
const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });

for (const name of ["swagger-ui.css", "swagger-ui-bundle.js"]) {
  const text = await readFile(join(swagger, name), "utf8");
  // The source maps are not shipped; a comment that names them only makes 404s.
  await writeFile(join(target, name), text.replace(/\n?(\/\/|\/\*)# sourceMappingURL=.*$/m, ""));
}
await copyFile(join(swagger, "favicon-32x32.png"), join(target, "favicon-32x32.png"));
// The licences travel with the copy.
const notices = { LICENSE: "swagger-ui.LICENSE", NOTICE: "swagger-ui.NOTICE" };
for (const [name, copy] of Object.entries(notices)) await copyFile(join(swagger, name), join(target, copy));
await copyFile(join(swagger, "swagger-ui-bundle.js.LICENSE.txt"), join(target, "swagger-ui-bundle.js.LICENSE.txt"));
for (const name of ["index.html", "init.js"]) await copyFile(join(here, "docs", name), join(target, name));
