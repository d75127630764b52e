// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Dialog } from "../src/ui/Dialog.js";

afterEach(cleanup);

describe("a dialog", () => {
  const opened = () => {
    const close = vi.fn();
    render(
      <Dialog title="Words" onClose={close}>
        <input aria-label="What you say" />
      </Dialog>,
    );
    return { close, backdrop: screen.getByRole("dialog"), field: screen.getByLabelText("What you say") };
  };

  it("stays when somebody selects its text and lets go beside it", () => {
    const { close, backdrop, field } = opened();
    fireEvent.pointerDown(field);
    fireEvent.pointerUp(backdrop);
    // The browser clicks on what both places are in.
    fireEvent.click(backdrop);
    expect(close).not.toHaveBeenCalled();
  });

  it("closes by a click beside it", () => {
    const { close, backdrop, field } = opened();
    fireEvent.pointerDown(field);
    fireEvent.click(field);
    expect(close).not.toHaveBeenCalled();
    fireEvent.pointerDown(backdrop);
    fireEvent.click(backdrop);
    expect(close).toHaveBeenCalledTimes(1);
  });
});
