// @vitest-environment happy-dom
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { created, message } from "../../sdk/test/support.js";
import { CopyButton } from "../src/ui/CopyButton.js";
import { inRoom } from "./inroom.js";
import { screen } from "./support.js";

/** A screen reader reads what comes into a place that is live, not what stays as it is. */
describe("what is read aloud", () => {
  it("is each message of others, also when it says what the last one said", async () => {
    const { says } = await inRoom([message(1)]);
    const log = screen.getByRole("log", { name: "New messages" });
    const heard = new Set<Node>();
    const news = () => {
      const came = [...log.childNodes].filter((node) => !heard.has(node));
      for (const node of came) heard.add(node);
      return came.map(({ textContent }) => textContent);
    };
    expect(news()).toEqual([]);
    let last = log.lastChild;
    for (const seq of [101, 102, 103]) {
      says(created(seq, { content: "ok" }));
      await vi.waitFor(() => expect(log.lastChild).not.toBe(last));
      last = log.lastChild;
      expect(news()).toEqual(["bob: ok"]);
    }
    says(created(104, { content: "and?" }));
    await vi.waitFor(() => expect(news()).toEqual(["bob: and?"]));
    // Long ago is not kept for who comes by.
    expect(log.childNodes).toHaveLength(2);
  });

  it("is a notice that says the same again", async () => {
    const { user, more } = await inRoom([message(1)]);
    vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    await more("text 1", "Copy link");
    const first = await screen.findByText("The link is copied.");
    await user.keyboard("{Escape}");
    await more("text 1", "Copy link");
    await vi.waitFor(() => expect(first.isConnected).toBe(false));
    screen.getByText("The link is copied.");
  });

  it("is that a link is copied once more", async () => {
    const user = userEvent.setup();
    render(<CopyButton text="https://chat.example/#/invite/1" label="Copy the link" />);
    const copy = screen.getByRole("button", { name: "Copy the link" });
    vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    await user.click(copy);
    const said = await screen.findByText("Copied.");
    const texts: (string | null)[] = [];
    const watch = new MutationObserver(() => texts.push(said.textContent));
    watch.observe(said, { childList: true, characterData: true, subtree: true });
    await user.click(copy);
    await vi.waitFor(() => expect(texts.at(-1)).toBe("Copied."));
    watch.disconnect();
  });
});
