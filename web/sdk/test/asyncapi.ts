// openapi/asyncapi.yaml, which the server's tests hold the server to: here the client is held to it.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { parse } from "yaml";

// Not by URL, which is another one where tests have a document of their own.
const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../../openapi/asyncapi.yaml");
export const DOCUMENT = parse(readFileSync(FILE, "utf8"));

/** What this document says is wrong with a frame. Ids may be `any` text, for tests that give people names. */
export function contract({ ids }: { ids: "uuid" | "any" }): (frame: { t: string }) => string[] {
  const { messages, schemas } = DOCUMENT.components;
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const any = { type: "string" };
  const components = { messages, schemas: { ...schemas, ...(ids === "any" && { Id: any }) } };
  ajv.addSchema({ $id: "document", components });
  const validators = new Map(
    Object.keys(messages).map((name) => [name, ajv.compile({ $ref: `document#/components/messages/${name}/payload` })]),
  );
  return (frame) => {
    const validate = validators.get(frame.t);
    if (!validate) return [`${frame.t} is not described`];
    return validate(frame) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  };
}
