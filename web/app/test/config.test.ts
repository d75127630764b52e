import { describe, expect, it } from "vitest";
import { loadPlaces, placesOf } from "../src/config.js";

const HERE = "https://chat.example.com";
const served = (status: number, body: unknown) => async () => ({ ok: status < 300, status, json: async () => body });

describe("where the server is", () => {
  it("is the page's own origin when nothing else is said", () => {
    const own = { apiUrl: HERE, socketUrl: "wss://chat.example.com/ws" };
    expect(placesOf({}, HERE)).toEqual(own);
    expect(placesOf({}, "http://127.0.0.1:3000").socketUrl).toBe("ws://127.0.0.1:3000/ws");
  });

  it("can be another host, whose socket is beside the API", () => {
    const places = placesOf({ apiUrl: "https://api.chat.example.com/" }, HERE);
    expect(places).toEqual({ apiUrl: "https://api.chat.example.com", socketUrl: "wss://api.chat.example.com/ws" });
  });

  it("can be two hosts, with or without the path of the socket", () => {
    const socket = (wsUrl: string) => placesOf({ wsUrl }, HERE).socketUrl;
    expect(socket("wss://ws.example.com")).toBe("wss://ws.example.com/ws");
    expect(socket("wss://ws.example.com/other")).toBe("wss://ws.example.com/other");
    expect(placesOf({ wsUrl: "wss://ws.example.com" }, HERE).apiUrl).toBe(HERE);
  });

  it("is told as a fault when it is no address, instead of guessed", () => {
    for (const apiUrl of ["api.example.com", "ftp://api.example.com", 3, "https://api.example.com/v1"]) {
      expect(() => placesOf({ apiUrl }, HERE)).toThrow("apiUrl");
    }
    for (const wsUrl of ["https://api.example.com", "", null]) {
      expect(() => placesOf({ wsUrl }, HERE)).toThrow("wsUrl");
    }
  });

  it("comes from config.json, and its absence means one origin", async () => {
    const config = { apiUrl: "https://api.chat.example.com" };
    expect((await loadPlaces(served(200, config), HERE)).apiUrl).toBe(config.apiUrl);
    expect((await loadPlaces(served(404, null), HERE)).apiUrl).toBe(HERE);
    await expect(loadPlaces(served(502, null), HERE)).rejects.toThrow("502");
  });
});
