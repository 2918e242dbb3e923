/**
 * The dashboard in a real Chromium over a box that says it has a hundred thousand contexts: lists, search, keys, token, and what is there when the
 * box is not.
 */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { systemHttp } from "../../adapters/common/http.ts";
import { createApi } from "../../runtime/api/app.ts";
import { guarded } from "../../runtime/api/guard.ts";
import { isPagePath, type PageFile } from "../../runtime/api/page.ts";
import { Feed } from "../../runtime/box/feed.ts";
import type { Listener } from "../../runtime/port/http.ts";
import { faultsOf, startBrowser, type TestBrowser } from "../lib/browser.ts";
import { fakeFacade } from "../lib/facade.ts";
import { havePeers } from "../lib/peers.ts";

const CONTEXTS = 100_000;
const TOKEN = "0123456789abcdef0123456789abcdef";
const PATIENCE = { timeout: 30_000 };
/** More than fit into any window, far fewer than there are. */
const ROWS_MOST = 80;
const FILES = JSON.parse(readFileSync(new URL("../../dist/dashboard.pack", import.meta.url), "utf8")) as PageFile[];

/** A box that drains what it is told to drain. */
async function serve(isLoopback = true): Promise<{ listener: Listener; url: string; tell: (text: string) => void; asked: string[] }> {
  const events = new Feed({
    run: "1",
    now: () => performance.now(),
    wall: () => Date.now(),
    later: (at, run) => setTimeout(run, at - performance.now()).unref(),
  });
  const box = fakeFacade(CONTEXTS, events);
  const [first] = box.providers();
  let drained = false;
  box.providers = function* () {
    yield { ...first, drained };
    yield { ...first, name: "isp2", interface: "up2" };
  };
  box.drain = (name) => {
    drained = name === "isp1";
    return { ok: true, file: "/site.yaml", changed: [`${name} is drained`], warnings: [], untold: 0 };
  };
  const api = createApi(box, FILES);
  const asked: string[] = [];
  const handler = guarded({
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      asked.push(pathname + search);
      return api.fetch(request);
    },
    isToken: (text) => text === TOKEN,
    isLoopback,
    isOpen: isPagePath,
    now: () => performance.now(),
    count: () => undefined,
  });
  const listener = await systemHttp((error) => console.error(error)).serveAddress("127.0.0.1", 0, handler);
  const tell = (text: string): void => events.heard({ kind: "told", at: performance.now(), text });
  return { listener, url: `http://${listener.address}/`, tell, asked };
}

/** The rows that are made, and the first and the last of them. */
const rowsOf = (page: Page): Promise<number[]> =>
  page.locator(".grid [data-context]").evaluateAll((rows) => rows.map((row) => Number((row as HTMLElement).dataset.context)));
const totalOf = (page: Page): Promise<string | null> => page.locator("[data-total]").getAttribute("data-total");
const untilTotal = (page: Page, total: number): Promise<unknown> =>
  page.waitForSelector(`[data-total="${total}"]`, { ...PATIENCE, state: "attached" });

if (havePeers("chromium")) {
  let browser: TestBrowser | undefined;
  let box: Awaited<ReturnType<typeof serve>> | undefined;
  const parts = () => {
    if (browser === undefined || box === undefined) throw new Error("nothing was started");
    return { browser, box };
  };
  test.before(async () => {
    browser = await startBrowser();
    box = await serve();
  });
  test.after(async () => {
    await browser?.close();
    await box?.listener.close();
  });

  test("a hundred thousand contexts: few rows are made, and the last one is a moment away", async () => {
    const { browser: opened, box: served } = parts();
    const { page, errors } = await opened.open();
    await page.goto(served.url);
    await untilTotal(page, CONTEXTS);
    await page.waitForSelector('[data-context="0"]', PATIENCE);
    const begun = performance.now();
    for (const share of [0.25, 0.5, 0.77, 1]) {
      const wanted = await page.locator(".grid").evaluate((grid, at) => {
        grid.scrollTop = at * (grid.scrollHeight - grid.clientHeight);
        return Math.round((grid.scrollTop / 28) * 1);
      }, share);
      await page.waitForSelector(`[data-context="${Math.min(CONTEXTS - 1, wanted + 3)}"]`, PATIENCE);
      const rows = await rowsOf(page);
      assert.ok(rows.length > 10 && rows.length <= ROWS_MOST, `${rows.length} rows`);
    }
    assert.is((await rowsOf(page)).at(-1), CONTEXTS - 1);
    console.log(`four jumps in ${Math.round(performance.now() - begun)} ms`);
    // Nobody asked for all of them.
    for (const path of served.asked.filter((one) => one.startsWith("/contexts")))
      assert.ok(Number(new URLSearchParams(path.split("?")[1]).get("limit")) <= ROWS_MOST, path);
    assert.equal(await faultsOf(page), []);
    assert.equal(errors, []);
  });

  test("the search box, by keys alone", async () => {
    const { browser: opened, box: served } = parts();
    const { page, errors } = await opened.open();
    await page.goto(served.url);
    await untilTotal(page, CONTEXTS);
    await page.keyboard.press("/");
    await page.keyboard.type("fc00:aaaa:1::777");
    await untilTotal(page, 1);
    await page.waitForFunction(() => document.querySelectorAll(".grid [data-context]").length === 1);
    assert.equal(await rowsOf(page), [777]);
    await page.keyboard.press("Escape");
    await untilTotal(page, CONTEXTS);
    await page.keyboard.type("isp1 established");
    await page.waitForFunction(() => document.querySelector("[data-total]")?.textContent === "100,000 match");
    assert.ok(served.asked.some((path) => path.includes("state=ESTABLISHED") && path.includes("provider=isp1")));
    await page.keyboard.press("Escape");
    await page.keyboard.type("e-failed");
    await untilTotal(page, 0);
    await page.keyboard.press("Escape");
    await page.keyboard.type("nonsense");
    await page.waitForFunction(() => document.querySelector("[data-total]")?.textContent?.includes("“nonsense” is no") === true);
    await page.keyboard.press("Escape");
    await untilTotal(page, CONTEXTS);
    assert.is(await totalOf(page), String(CONTEXTS));
    await page.keyboard.press("ArrowDown");
    for (const key of ["ArrowDown", "ArrowDown", "PageDown", "ArrowUp"]) await page.keyboard.press(key);
    await page.waitForSelector("#context-row-12.active", PATIENCE);
    assert.is(await page.locator(".grid").getAttribute("aria-activedescendant"), "context-row-12");
    await page.keyboard.press("End");
    await page.waitForSelector(`.active[data-context="${CONTEXTS - 1}"]`, PATIENCE);
    await page.keyboard.press("Enter");
    await page.waitForSelector(`dialog[aria-label="Context ${CONTEXTS - 1}"]`, PATIENCE);
    await page.keyboard.press("/");
    assert.is(await page.evaluate(() => document.activeElement instanceof HTMLInputElement), false, "keys do not go behind a dialog");
    assert.equal(await faultsOf(page), []);
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    assert.is(await page.evaluate(() => document.activeElement?.getAttribute("role")), "grid", "the focus is where it was");
    assert.equal(errors, []);
  });

  test("the first key leads over the figure to the contexts", async () => {
    const { browser: opened, box: served } = parts();
    const { page } = await opened.open();
    await page.goto(served.url);
    await untilTotal(page, CONTEXTS);
    await page.keyboard.press("Tab");
    assert.is(await page.evaluate(() => document.activeElement?.textContent), "Skip to the contexts");
    await page.keyboard.press("Enter");
    assert.match(page.url(), /#contexts$/);
  });

  test("light, dark and back; each can be read by everybody", async () => {
    const { browser: opened, box: served } = parts();
    const { page, errors } = await opened.open({ colorScheme: "dark" });
    await page.goto(served.url);
    await untilTotal(page, CONTEXTS);
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await ground();
    assert.equal(await faultsOf(page), []);
    const toggle = page.locator("[data-theme-toggle]");
    await toggle.click();
    const light = await ground();
    assert.is.not(light, dark);
    assert.equal(await faultsOf(page), []);
    await page.reload();
    await untilTotal(page, CONTEXTS);
    assert.is(await ground(), light, "the choice is kept");
    await toggle.click();
    assert.is(await ground(), dark);
    assert.equal(errors, []);
  });

  test("events show as they come", async () => {
    const { browser: opened, box: served } = parts();
    const { page, errors } = await opened.open();
    served.tell("said before");
    await page.goto(served.url);
    await page.waitForSelector(".log >> text=said before", PATIENCE);
    served.tell("said <b>now</b>");
    await page.waitForSelector(".log >> text=said <b>now</b>", PATIENCE);
    assert.equal(errors, []);
  });

  test("a wrong token is told, the right one acts", async () => {
    const { browser: opened, box: served } = parts();
    const { page, errors } = await opened.open({ viewport: { width: 360, height: 740 } });
    await page.goto(served.url);
    await page.getByRole("button", { name: "Drain: isp1" }).click(PATIENCE);
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Token").fill("wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=that is not the token", PATIENCE);
    await dialog.getByLabel("Token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Drain: isp1" }).click();
    await dialog.getByRole("button", { name: "Drain", exact: true }).click();
    await page.waitForSelector('[data-provider="isp1"][data-drained=yes]', PATIENCE);
    await page.waitForSelector("[data-alarm] >> text=isp1 is drained", PATIENCE);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    assert.is(await page.locator(".trouble").textContent(), "");
    // The browser tells of the one refusal itself.
    assert.ok(errors.length > 0 && errors.every((text) => text.includes("401")), errors.join("\n"));
  });

  test("on an address that others reach the page comes without a token, and nothing else does", async () => {
    const { browser: opened } = parts();
    const elsewhere = await serve(false);
    try {
      const { page } = await opened.open();
      await page.goto(elsewhere.url);
      await page.getByRole("dialog").getByLabel("Token").fill(TOKEN, PATIENCE);
      assert.is(await totalOf(page), "0");
      assert.equal(await faultsOf(page), []);
      const before = elsewhere.asked.length;
      await page.keyboard.press("Enter");
      await untilTotal(page, CONTEXTS);
      assert.ok(
        elsewhere.asked.slice(0, before).every((path) => isPagePath(path)),
        elsewhere.asked.slice(0, before).join(" "),
      );
      elsewhere.tell("heard with the token");
      await page.waitForSelector(".log >> text=heard with the token", PATIENCE);
    } finally {
      await elsewhere.listener.close();
    }
  });

  test("a tab that nobody sees asks nothing, and goes on where it was", async () => {
    const { browser: opened } = parts();
    const own = await serve();
    try {
      const { page, errors } = await opened.open();
      await page.goto(own.url);
      await untilTotal(page, CONTEXTS);
      const show = (hidden: boolean) =>
        page.evaluate((is) => {
          Object.defineProperty(document, "hidden", { value: is, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }, hidden);
      await show(true);
      // What was asked before may still be answered.
      await page.waitForTimeout(1_000);
      const before = own.asked.length;
      own.tell("said behind its back");
      await page.waitForTimeout(2_500);
      assert.is(own.asked.length, before);
      assert.is(await page.locator(".log li").count(), 0);
      await show(false);
      await page.waitForSelector(".log >> text=said behind its back", PATIENCE);
      assert.ok(own.asked.length > before);
      assert.equal(errors, []);
    } finally {
      await own.listener.close();
    }
  });

  test("a box that is gone is said to be gone", async () => {
    const { browser: opened } = parts();
    const mortal = await serve();
    const { page } = await opened.open();
    await page.goto(mortal.url);
    await untilTotal(page, CONTEXTS);
    assert.is(await page.locator("[data-live]").getAttribute("data-live"), "yes");
    await mortal.listener.close();
    await page.waitForSelector('[data-live="no"]', PATIENCE);
    assert.match((await page.locator(".trouble").textContent()) ?? "", /does not answer|cut short/);
  });
}

test.run();
