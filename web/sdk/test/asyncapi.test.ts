import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeFrame } from "../src/decode.js";
import { contract, DOCUMENT } from "./asyncapi.js";

const FRAMES = fileURLToPath(new URL("../../../openapi/frames/", import.meta.url));
const UNKNOWN = ["entry.unknown", "userEntry.unknown"];

describe("asyncapi.yaml", () => {
  const faults = contract({ ids: "uuid" });
  const golden = ["client", "server"].flatMap((side) => readdirSync(FRAMES + side).map((name) => `${side}/${name}`));

  it.each(golden.filter((name) => !name.includes("/other.")))("describes the golden frame %s", (name) => {
    expect(faults(JSON.parse(readFileSync(FRAMES + name, "utf8")))).toEqual([]);
  });

  it("finds what it does not describe", () => {
    expect(faults({ t: "surprise" })).not.toEqual([]);
    expect(faults({ t: "ping", ref: 1.5 } as { t: string })).not.toEqual([]);
    expect(faults({ t: "room.subscribe", room: "home" } as { t: string })).not.toEqual([]);
  });

  it("has no example of a server's message that the client does not understand", () => {
    for (const name of Object.keys(DOCUMENT.channels.ws.messages).filter((name) => !UNKNOWN.includes(name))) {
      const asked = DOCUMENT.operations[name]?.action === "receive";
      for (const { payload } of DOCUMENT.components.messages[name].examples) {
        if (!asked) expect(decodeFrame(JSON.stringify(payload)), name).not.toBeNull();
      }
    }
  });
});
