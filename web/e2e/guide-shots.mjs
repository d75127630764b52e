// Takes the pictures of the user guide, docs/guide/pictures: an invented conversation, held in real browsers against a real
// server that wants confirmed addresses. Made anew by `make screenshots`; whoever does looks at each.

import assert from "node:assert/strict";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ChatServer, launchBrowser, Person, SHOTS } from "./support.mjs";

const FOLDER = fileURLToPath(new URL("../../docs/guide/pictures", import.meta.url));
/** Whoever opens the repository, or the site on a phone, pays for each. */
const MOST_BYTES = 60 * 1024;
const LOOK = { viewport: { width: 840, height: 500 }, colorScheme: "light", locale: "en-GB", timezoneId: "UTC" };

let taken = 0;

/** A part of the page, or all that is seen of it. */
async function picture(person, name, part = person.page, clip = undefined) {
  await person.settled();
  // No caret: it blinks.
  const path = join(FOLDER, `${name}.png`);
  await part.screenshot({ path, caret: "hide", ...(clip && { clip }) });
  const { size } = await stat(path);
  assert.ok(size <= MOST_BYTES, `${name}.png has ${size} bytes, more than ${MOST_BYTES}`);
  taken += 1;
  console.log(`${name}.png  ${(size / 1024).toFixed(1)} KiB`);
}

async function arrive(browser, server, name, shownAs) {
  const person = await Person.arrive(browser, server, name, LOOK);
  person.shownAs = shownAs;
  return person;
}

/** From the form to the confirmed address. */
async function becomeSomebody(person, server) {
  await person.register();
  await person.page.goto(await server.mailedLink(person.email, "Confirm your e-mail address"));
  await person.page.getByRole("link", { name: "Go to your rooms" }).click();
  await nameOneself(person);
}

async function nameOneself({ page, name, shownAs }) {
  await page.getByRole("link", { name: `${name}: settings` }).click();
  await page.getByLabel("Display name").fill(shownAs);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByRole("link", { name: "Close the settings" }).click();
}

async function makeRoom({ page }, name, description, more = async () => {}) {
  await page.getByRole("button", { name: "New room" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill(name);
  await dialog.getByRole("textbox", { name: "Description" }).fill(description);
  await more(dialog);
  await dialog.getByRole("button", { name: "Create room" }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
}

async function joinRoom({ page }, room) {
  await page.getByRole("button", { name: "Browse rooms" }).first().click();
  await page.getByRole("button", { name: `Join ${room}` }).click();
  await page.getByRole("heading", { name: room, level: 1 }).waitFor();
}

/** Hills under a sun, so that nobody's photograph is needed. */
function hills({ page }) {
  return page.evaluate(async () => {
    const canvas = new OffscreenCanvas(640, 400);
    const c = canvas.getContext("2d");
    c.fillStyle = "#cfe6f5";
    c.fillRect(0, 0, 640, 400);
    c.fillStyle = "#f6c453";
    c.beginPath();
    c.arc(500, 110, 46, 0, 7);
    c.fill();
    for (const [colour, x, y] of [["#8fbf8a", 160, 430], ["#6aa56b", 480, 470], ["#4c8a55", 300, 540]]) {
      c.fillStyle = colour;
      c.beginPath();
      c.ellipse(x, y, 380, 220, 0, 0, 7);
      c.fill();
    }
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
    return [...bytes];
  }).then((bytes) => Buffer.from(bytes));
}

/** A document without pages, as large as one with some. */
const PLAN = Buffer.from(
  `%PDF-1.4
1 0 obj
<< /Type /Catalog /Pages 2 0 R >>
endobj
2 0 obj
<< /Type /Pages /Kids [] /Count 0 >>
endobj
${"% beans, peas, lettuce\n".repeat(3_600)}trailer
<< /Root 1 0 R >>
startxref
9
%%EOF
`,
);

async function gettingStarted(browser, server) {
  const ada = await arrive(browser, server, "ada", "Ada");
  const { page } = ada;
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await picture(ada, "log-in", page.locator(".auth-card"));
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("User name").fill(ada.name);
  await page.getByLabel("E-mail address").fill(ada.email);
  await page.getByLabel("Password").fill(ada.password);
  await picture(ada, "register", page.locator(".auth-card"));
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("region", { name: "Confirm your e-mail address" }).waitFor();
  await picture(ada, "confirm");
  await page.goto(await server.mailedLink(ada.email, "Confirm your e-mail address"));
  await page.getByRole("link", { name: "Go to your rooms" }).click();
  await nameOneself(ada);
  return ada;
}

async function conversation(ada, ben, cleo) {
  await makeRoom(ada, "Garden club", "Seeds, tools, the weather");
  await makeRoom(ben, "Choir", "Tuesdays at seven");
  for (const [who, room] of [[ben, "Garden club"], [cleo, "Garden club"], [ada, "Choir"]]) {
    if (who === ben) {
      await ben.page.getByRole("button", { name: "Browse rooms" }).first().click();
      await ben.page.getByRole("button", { name: "Join Garden club" }).waitFor();
      await picture(ben, "browse-rooms", ben.page.getByRole("dialog"));
      await ben.page.keyboard.press("Escape");
    }
    await joinRoom(who, room);
  }
  await ada.page.getByRole("link", { name: /Garden club/ }).click();
  await ada.composer.waitFor();
  await ada.send("Good morning! Who has a spare watering can?");
  await ben.sees("Good morning! Who has a spare watering can?");
  const first = ben.bubbles("Good morning! Who has a spare watering can?");
  await first.hover();
  await first.getByRole("button", { name: "Reply" }).click();
  await ben.send("I have two. Shall I bring one on Saturday?");
  await cleo.sees("I have two. Shall I bring one on Saturday?");
  await cleo.send("The beans are up, by the way.");
  await ada.sees("The beans are up, by the way.");
  const beans = ben.bubbles("The beans are up, by the way.");
  await beans.hover();
  await beans.getByRole("button", { name: "React" }).click();
  await ben.page.getByRole("button", { name: "smile", exact: true }).click();
  await ada.page.getByRole("list", { name: "Reactions" }).waitFor();
  await ada.send("Please do, @ben. See you at nine!");
  await ben.sees("Please do, @ben. See you at nine!");
  await cleo.sees("Please do, @ben. See you at nine!");
  await ada.bubbles("Please do, @ben. See you at nine!").getByRole("img", { name: /^Read by all/ }).waitFor();
  await unread(ada, ben);
  // A page tells of it once in three seconds, and it ends by itself.
  const seen = async () => {
    await ada.page.getByText("Cleo is typing…").waitFor();
    await picture(ada, "conversation");
  };
  await Promise.all([seen(), cleo.composer.pressSequentially("Then I bring the cake", { delay: 120 })]);
  await cleo.composer.fill("");
}

async function unread(ada, ben) {
  await ben.page.getByRole("link", { name: /Choir/ }).click();
  await ben.composer.waitFor();
  await ben.send("No rehearsal this week, @ada.");
  await ada.page.getByRole("link", { name: /Choir/ }).getByText("1 unread message").waitFor();
  await ben.page.getByRole("link", { name: /Garden club/ }).click();
  await ben.composer.waitFor();
}

/** Of a plain member: for who looks after the room there is no time to be told. */
async function changing(ben) {
  const own = ben.bubbles("I have two. Shall I bring one on Saturday?");
  await own.hover();
  await own.getByRole("button", { name: "More to do with this message" }).click();
  await ben.page.getByText("Delete message").waitFor();
  const lower = { x: 120, y: 120, width: LOOK.viewport.width - 120, height: LOOK.viewport.height - 120 };
  await picture(ben, "message-menu", ben.page, lower);
  await ben.page.keyboard.press("Escape");
  await ben.page.mouse.move(0, 0);
}

async function searching(ada) {
  const { page } = ada;
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Words and filters").fill("watering from:ben after:2026-11-01");
  await picture(ada, "search", dialog);
  await dialog.getByRole("button", { name: "Close" }).click();
}

async function files(ada, ben) {
  const { page } = ada;
  const image = await hills(ada);
  const data = await page.evaluateHandle((bytes) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], "allotment.png", { type: "image/png" }));
    return transfer;
  }, [...image]);
  const room = page.locator("section.room");
  await room.dispatchEvent("dragenter", { dataTransfer: data });
  await page.getByText("Drop files to send them to Garden club").waitFor();
  await picture(ada, "drop-files");
  await room.dispatchEvent("drop", { dataTransfer: data });
  await page.locator(".composer input[type=file]").setInputFiles([{ name: "planting plan.pdf", mimeType: "application/pdf", buffer: PLAN }]);
  await page.waitForFunction(() => [...document.querySelectorAll(".tray-item .file-detail")].filter((e) => /ready/.test(e.textContent)).length === 2);
  await ada.composer.fill("The view, and the plan");
  await picture(ada, "files-ready", page.locator("form.composer"));
  await page.getByRole("button", { name: "Send message" }).click();
  await page.waitForFunction(() => document.querySelector(".picture-box img")?.naturalWidth > 0);
  await ben.sees("The view, and the plan");
  const own = ada.bubbles("The view, and the plan");
  await own.getByRole("img", { name: /^Read by all/ }).waitFor();
  await picture(ada, "files-sent", own.locator(".bubble"));
}

async function rooms(ada, cleo) {
  const { page } = ada;
  // Whole dialogs.
  await page.setViewportSize({ ...LOOK.viewport, height: 780 });
  await makeRoom(ada, "Committee", "Plans for the summer party", async (dialog) => {
    await dialog.getByRole("switch").check({ force: true });
    await dialog.getByLabel("People to begin with").fill("ben");
    await dialog.getByRole("button", { name: "Choose ben" }).click();
    await dialog.getByText("Ben").first().waitFor();
    await picture(ada, "new-room", dialog);
  });
  await page.getByRole("button", { name: /^Members/ }).click();
  await page.getByRole("button", { name: "Invite people" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Invite by user name").fill("cle");
  await dialog.getByRole("button", { name: "Invite cleo" }).click();
  await dialog.getByText("cleo is invited.").waitFor();
  await dialog.getByRole("region", { name: "Open invitations" }).waitFor();
  await picture(ada, "invite", dialog);
  await page.keyboard.press("Escape");
  await cleo.page.getByRole("region", { name: "Invitations" }).getByRole("button", { name: "Join Committee" }).click();
  await cleo.page.getByRole("heading", { name: "Committee", level: 1 }).waitFor();
  await page.getByRole("button", { name: /^Members/ }).click();
  await page.getByRole("button", { name: "What to do with ben" }).click();
  await page.getByRole("button", { name: "Make administrator" }).waitFor();
  await picture(ada, "members", dialog);
  await page.keyboard.press("Escape");
}

const server = await ChatServer.start({ CHAT_EMAIL_VERIFICATION: "required" });
const browser = await launchBrowser();
try {
  server.settings.PUBLIC_URL = server.url;
  await server.kill();
  await server.run();
  await mkdir(FOLDER, { recursive: true });
  // On SQLite the first account administers the server, and sees more than readers of the guide do.
  await server.post("/auth/register", "", { username: "keeper", email: "keeper@example.com", password: "keeper-has-a-long-password" });
  const ada = await gettingStarted(browser, server);
  const ben = await arrive(browser, server, "ben", "Ben");
  const cleo = await arrive(browser, server, "cleo", "Cleo");
  for (const person of [ben, cleo]) await becomeSomebody(person, server);
  await conversation(ada, ben, cleo);
  await changing(ben);
  await searching(ada);
  await files(ada, ben);
  await rooms(ada, cleo);
  for (const { name, errors } of [ada, ben, cleo]) assert.deepEqual(errors, [], name);
  console.log(`${taken} pictures in ${FOLDER}`);
} catch (error) {
  for (const [n, page] of browser.contexts().flatMap((context) => context.pages()).entries()) await page.screenshot({ path: join(SHOTS, `guide-failed-${n}.png`) });
  throw error;
} finally {
  await browser.close();
  await server.dispose();
}
