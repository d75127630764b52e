// @vitest-environment happy-dom
import { fireEvent } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { message, ROOM, type Route } from "../../sdk/test/support.js";
import { ME, openPage, problem, screen, within, type Opening } from "./support.js";

const PNG = { id: "f1", url: "https://elsewhere.example/attachments/f1", thumbnailUrl: "https://elsewhere.example/t", name: "cat.png", type: "image/png", size: 2_048 };
const PDF = { id: "f2", url: "https://elsewhere.example/attachments/f2", name: "plan.pdf", type: "application/pdf", size: 9_000 };
const room = { id: ROOM, name: "Garden", isPrivate: false, members: [ME], memberCount: 1 };
const file = (name: string, type: string) => new File([new Uint8Array(20)], name, { type });

beforeEach(() => {
  vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:picture");
  // Without one everything counts as near.
  vi.stubGlobal("IntersectionObserver", undefined);
});

/** In a room, with a socket that is ready. */
async function inRoom(routes: Opening["routes"] = {}) {
  const opened = openPage(`#/rooms/${ROOM}`, { routes: { "GET /rooms": () => [room], ...routes } });
  opened.world.pongs = true;
  await vi.waitFor(() => opened.world.socket);
  opened.world.socket.ready();
  opened.world.socket.joined(ROOM, 1);
  const composer = await screen.findByRole("textbox", { name: "Message to Garden" });
  return { ...opened, composer };
}

describe("files in the composer", () => {
  it("come by the button, and go with a message that has no text", async () => {
    const { user, world } = await inRoom({ "POST /attachments": ({ body }) => Response.json({ ...PDF, name: body.get("file").name }, { status: 201 }) });
    expect(screen.getByRole("button", { name: "Send message" })).toHaveProperty("disabled", true);
    await user.upload(screen.getByLabelText("Files"), file("plan.pdf", "application/pdf"));
    await screen.findByText(/ready/);
    await user.click(screen.getByRole("button", { name: "Send message" }));
    const sent = world.socket.last("message.send");
    expect(sent.d).toMatchObject({ content: "", attachments: ["f2"] });
    expect(screen.queryByRole("list", { name: "Files to be sent" })).toBeNull();
    expect(within(screen.getByRole("list", { name: "Files" })).getByText("plan.pdf")).toBeTruthy();
  });

  it("come by dropping and pasting; what is refused says why, and can be removed", async () => {
    const { user, composer } = await inRoom({ "POST /attachments": () => problem(415, "unsupportedMedia") });
    const area = screen.getByRole("region", { name: "Garden" });
    fireEvent.dragEnter(area, { dataTransfer: { types: ["Files"], files: [] } });
    screen.getByText("Drop files to send them to Garden");
    fireEvent.drop(area, { dataTransfer: { types: ["Files"], files: [file("a.png", "image/png")] } });
    expect(screen.queryByText("Drop files to send them to Garden")).toBeNull();
    await screen.findByText(/^What is in it is no JPEG/);
    fireEvent.paste(composer, { clipboardData: { types: ["Files"], files: [file("b.exe", "application/x-msdownload")] } });
    await screen.findByText(/^b\.exe: This kind of file is not taken/);
    await user.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.queryByText(/^b\.exe/)).toBeNull();
    screen.getByText("1 file did not go through: try again or remove it.");
    await user.type(composer, "hello");
    expect(screen.getByRole("button", { name: "Send message" })).toHaveProperty("disabled", true);
    await user.click(screen.getByRole("button", { name: "Remove a.png" }));
    expect(screen.getByRole("button", { name: "Send message" })).toHaveProperty("disabled", false);
  });
});

describe("a file dropped beside the room", () => {
  it("does not take the place of the page", async () => {
    await inRoom();
    const dropped = new Event("drop", { bubbles: true, cancelable: true });
    Object.assign(dropped, { dataTransfer: { types: ["Files"], files: [file("a.png", "image/png")] } });
    document.body.dispatchEvent(dropped);
    expect(dropped.defaultPrevented).toBe(true);
    expect(screen.queryByRole("list", { name: "Files to be sent" })).toBeNull();
  });
});

describe("files of a message", () => {
  it("are shown with the session's token, from the API and from nowhere else", async () => {
    const paths: string[] = [];
    const serve: Route = ({ path, token }) => (paths.push(`${path} ${token}`), new Response("x"));
    const { user } = await inRoom({
      "GET /messages": () => ({ messages: [message(1, { content: "look", attachments: [PNG, PDF] })], nextCursor: null }),
      "GET /attachments/f1/thumbnail": serve,
      "GET /attachments/f1": serve,
      "GET /attachments/f2": serve,
    });
    const opener = await screen.findByRole("button", { name: "Open picture cat.png" });
    expect((await within(opener).findByAltText("cat.png")).getAttribute("src")).toBe("blob:picture");
    expect(paths).toEqual(["/attachments/f1/thumbnail access-1"]);
    await user.click(opener);
    const dialog = within(await screen.findByRole("dialog"));
    expect((await dialog.findByRole("img", { name: "cat.png" })).getAttribute("src")).toBe("blob:picture");
    await user.click(dialog.getByRole("button", { name: "Close" }));
    await user.click(screen.getByRole("button", { name: "Download plan.pdf" }));
    await vi.waitFor(() => expect(paths).toContain("/attachments/f2 access-1"));
    expect(paths).toContain("/attachments/f1 access-1");
  });

  it("that cannot be loaded say so where they are", async () => {
    const { user } = await inRoom({
      "GET /messages": () => ({ messages: [message(1, { content: "", attachments: [PDF] })], nextCursor: null }),
      "GET /attachments/f2": () => problem(404, "notFound"),
    });
    await user.click(await screen.findByRole("button", { name: "Download plan.pdf" }));
    await screen.findByText("This does not exist any more.");
  });
});
