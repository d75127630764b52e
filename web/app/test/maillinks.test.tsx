// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { limited, ME, nothing, openPage, problem, refused, screen } from "./support.js";

const BAD = () => refused("token", "is not valid: wrong, used before, or too old");

describe("the link that confirms an address", () => {
  it("needs no login, is presented once, and leaves the address bar", async () => {
    const verify = vi.fn((_: { body: unknown }) => nothing());
    openPage("#/verify-email/the-token", { user: null, routes: { "POST /auth/verify-email": verify } });
    await screen.findByRole("heading", { name: "Your address is confirmed" });
    expect(verify).toHaveBeenCalledOnce();
    expect(verify.mock.calls[0]![0].body).toEqual({ token: "the-token" });
    expect(location.hash).toBe("#/verify-email/");
    expect(screen.getByRole("link", { name: "Log in" })).toHaveProperty("hash", "#/login");
  });

  it("takes the banner away where its owner is logged in", async () => {
    let emailVerified = false;
    const { user } = openPage("#/verify-email/t", {
      user: { ...ME, emailVerified: false },
      routes: {
        "GET /users/me": () => ({ ...ME, emailVerified }),
        "POST /auth/verify-email": () => ((emailVerified = true), nothing()),
      },
    });
    await user.click(await screen.findByRole("link", { name: "Go to your rooms" }));
    await screen.findByRole("navigation", { name: "Your rooms" });
    expect(screen.queryByText(/Until then you can join/)).toBeNull();
  });

  it("used or too old, offers another one, and says when there were too many", async () => {
    const { user, world } = openPage("#/verify-email/t", {
      user: { ...ME, emailVerified: false },
      routes: { "POST /auth/verify-email": BAD, "POST /auth/verify-email/resend": () => nothing(202) },
    });
    await screen.findByRole("heading", { name: "This link does not work any more" });
    await user.click(screen.getByRole("button", { name: "Mail the link again" }));
    await screen.findByText(/^Mailed\./);
    world.routes.set("POST /auth/verify-email/resend", () => limited(1_500));
    await user.click(screen.getByRole("button", { name: "Mail the link again" }));
    await screen.findByText("Too many attempts. Try again in 25 minutes.");
  });

  it("used on another device, says that nothing is left to do", async () => {
    openPage("#/verify-email/t", {
      user: { ...ME, emailVerified: false },
      routes: { "POST /auth/verify-email": BAD, "GET /users/me": () => ({ ...ME, emailVerified: true }) },
    });
    await screen.findByText("The link was used before; nothing is left to do.");
  });

  it("is kept and tried again when the server does not answer", async () => {
    const { user, world } = openPage("#/verify-email/t", {
      user: null,
      routes: { "POST /auth/verify-email": () => problem(503, "unavailable") },
    });
    await screen.findByText(/The server is busy or restarting/);
    expect(location.hash).toBe("#/verify-email/t");
    world.routes.set("POST /auth/verify-email", () => nothing());
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByRole("heading", { name: "Your address is confirmed" });
  });
});

describe("the links that change an address", () => {
  it.each([
    ["the first of the two", () => ({ changed: false }), "One half is done"],
    ["the second", () => ({ changed: true }), "Your address is changed"],
    ["somebody has it by now", () => problem(409, "conflict"), "Somebody has this address"],
    ["used or too old", BAD, "This link does not work any more"],
  ])("%s", async (_, answer, title) => {
    openPage("#/confirm-email/t", { user: null, routes: { "POST /auth/confirm-email": answer } });
    await screen.findByRole("heading", { name: title });
    expect(location.hash).toBe("#/confirm-email/");
  });
});

describe("a forgotten password", () => {
  it("is asked for from the login page, with the address typed there", async () => {
    const forgot = vi.fn((_: { body: unknown }) => nothing(202));
    const { user } = openPage("#/login", { user: null, routes: { "POST /auth/forgot-password": forgot } });
    await user.type(await screen.findByLabelText("E-mail address"), "alice@example.com");
    await user.click(screen.getByRole("link", { name: "Forgot Password?" }));
    await user.click(await screen.findByRole("button", { name: "Mail me a link" }));
    await screen.findByText(/If an account has the address/);
    expect(forgot.mock.calls[0]![0].body).toEqual({ email: "alice@example.com" });
  });

  it("tells what stops it where it is", async () => {
    const { user, world } = openPage("#/forgot-password/", { user: null });
    await user.clear(await screen.findByLabelText("E-mail address"));
    await user.type(screen.getByLabelText("E-mail address"), "nobody");
    await user.click(screen.getByRole("button", { name: "Mail me a link" }));
    await screen.findByText("Enter an e-mail address such as name@example.com.");
    world.routes.set("POST /auth/forgot-password", () => limited(3_600));
    await user.type(screen.getByLabelText("E-mail address"), "@example.com");
    await user.click(screen.getByRole("button", { name: "Mail me a link" }));
    await screen.findByText("Too many attempts. Try again in 60 minutes.");
  });

  it("is replaced behind the link", async () => {
    const reset = vi.fn((_: { body: unknown }) => refused("password", "is among the first that are tried"));
    const { user, world } = openPage("#/reset-password/tok", { user: null, routes: { "POST /auth/reset-password": reset } });
    await user.type(await screen.findByLabelText("New password"), "short");
    await user.click(screen.getByRole("button", { name: "Set the password" }));
    await screen.findByText("Choose a password of at least 8 characters.");
    expect(reset).not.toHaveBeenCalled();

    await user.type(screen.getByLabelText("New password"), "password");
    await user.click(screen.getByRole("button", { name: "Set the password" }));
    await screen.findByText("This is among the first that are tried.");
    world.routes.set("POST /auth/reset-password", () => nothing());
    await user.click(screen.getByRole("button", { name: "Set the password" }));
    await screen.findByRole("heading", { name: "Your password is changed" });
    expect(reset.mock.calls[0]![0].body).toEqual({ token: "tok", password: "shortpassword" });
    expect(location.hash).toBe("#/reset-password/");
  });

  it("leads to another mail when its link is used up", async () => {
    const { user } = openPage("#/reset-password/tok", { user: null, routes: { "POST /auth/reset-password": BAD } });
    await user.type(await screen.findByLabelText("New password"), "several words in a row");
    await user.click(screen.getByRole("button", { name: "Set the password" }));
    await screen.findByRole("heading", { name: "This link does not work any more" });
    expect(screen.getByRole("link", { name: "Mail me another link" })).toHaveProperty("hash", "#/forgot-password");
  });
});

describe("somebody whose address is not confirmed", () => {
  it("is told what that means as soon as the server refuses something for it", async () => {
    const { user } = openPage("#/rooms", { routes: { "POST /rooms": () => problem(403, "emailNotVerified") } });
    await screen.findByText("Rooms you join appear here.");
    expect(screen.queryByRole("region", { name: "Confirm your e-mail address" })).toBeNull();
    await user.click(screen.getAllByRole("button", { name: "New room" })[0]!);
    await user.type(screen.getByLabelText("Name"), "Shed");
    await user.click(screen.getByRole("button", { name: "Create room" }));
    await screen.findByText("Confirm your e-mail address first: the top of the page says how.");
    await screen.findByRole("region", { name: "Confirm your e-mail address", hidden: true });
  });
});

describe("a second factor", () => {
  it("is asked for after the password, and a wrong code is said at its field", async () => {
    const login = vi.fn((_: { body: any }): object => problem(401, "secondFactorRequired"));
    const { user, world } = openPage("#/login", { user: null, routes: { "POST /auth/login": (r) => login(r) } });
    await user.type(await screen.findByLabelText("E-mail address"), "alice@example.com");
    await user.type(screen.getByLabelText("Password"), "a long password{Enter}");
    await screen.findByRole("heading", { name: "Enter your code" });
    login.mockImplementation(() => problem(401, "secondFactorInvalid"));
    await user.type(screen.getByLabelText("Code"), "123456{Enter}");
    await screen.findByText(/^This code is wrong/);
    expect(screen.getByLabelText("Code").getAttribute("aria-invalid")).toBe("true");
    login.mockImplementation(() => ({ user: ME, token: "a", refreshToken: "r" }));
    await user.clear(screen.getByLabelText("Code"));
    await user.type(screen.getByLabelText("Code"), " 654321 {Enter}");
    await screen.findByRole("navigation", { name: "Your rooms" });
    expect(login.mock.calls.at(-1)![0].body).toMatchObject({ email: "alice@example.com", password: "a long password", code: "654321" });
    expect(world.requests.filter((request) => request.includes("refresh"))).toEqual([]);
  });
});
