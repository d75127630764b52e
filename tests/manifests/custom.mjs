// Custom resources against the schemas that their projects publish. Reads a JSON array of objects from
// the standard input and writes one fault a line. MODELS names the folder with the packages.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const PACKAGES = {
  "monitoring.coreos.com": "prometheus-operator",
  "external-secrets.io": "external-secrets",
  "gateway.networking.k8s.io": "gateway-api",
  "bitnami.com": "sealed-secrets",
};

const loaded = new Map();
async function models(group, version) {
  const folder = join(process.env.MODELS, "node_modules/@kubernetes-models", PACKAGES[group], group, version);
  if (!loaded.has(folder)) loaded.set(folder, await import(pathToFileURL(join(folder, "index.js"))));
  return loaded.get(folder);
}

// They find wrong kinds of values and what is missing, not a key that nobody knows.
for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const name = `${object.kind} ${object.metadata.name}`;
  const [group, version] = object.apiVersion.split("/");
  if (!(group in PACKAGES)) {
    console.log(`${name}: no schema for ${group}`);
    continue;
  }
  const Model = (await models(group, version))[object.kind];
  if (!Model) {
    console.log(`${name}: ${object.apiVersion} has no such kind`);
    continue;
  }
  try {
    new Model(object).validate();
  } catch (error) {
    console.log(`${name}: ${String(error.message).split("\n")[0]}`);
  }
}
