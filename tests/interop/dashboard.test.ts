/**
 * The dashboard in a real Chromium, on the lab as `npm start` raises it: isp1 breaks, and the page shows it; a provider is drained by a click.
 * How long the page took is printed, not asserted: the machine has other things to do.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Child } from "../../runtime/port/process.ts";
import { faultsOf, startBrowser, type TestBrowser } from "../lib/browser.ts";
import { commandOf, testHost } from "../lib/labhost.ts";
import { havePeers } from "../lib/peers.ts";

/** Also for lines, which have no width where they are straight: what is there need not be seen. */
const PATIENCE = { timeout: 30_000, state: "attached" } as const;
const PHONE = { width: 360, height: 740 };

/** The address that the lab prints. */
async function startLab(said: string[]): Promise<{ lab: Child; url: string; stop: () => Promise<void> }> {
  const host = await testHost();
  const { argv } = commandOf("node", "dist/pshim6.mjs");
  const hear = (text: string): void => {
    said.push(text);
  };
  // Ten minutes before the lab breaks anything itself.
  const lab = host.processes.spawn([...argv, "lab", "--seconds", "600"], { line: hear, complaint: hear });
  const stop = async (): Promise<void> => {
    host.processes.kill(lab.pid, "SIGINT");
    await lab.ended;
  };
  const urlOf = (): string | undefined => said.map((line) => /dashboard: (\S+)/.exec(line)?.[1]).find((found) => found !== undefined);
  for (let waited = 0; urlOf() === undefined && waited < 60_000; waited += 50) await host.sleep(50);
  const url = urlOf();
  if (url === undefined) {
    await stop();
    throw new Error(`no address: ${said.join("\n")}`);
  }
  return { lab, url, stop };
}

if (havePeers("root", "ip", "chromium")) {
  const said: string[] = [];
  let lab: Awaited<ReturnType<typeof startLab>> | undefined;
  let browser: TestBrowser | undefined;
  /** Who carries the stream after the first test. */
  let carrier = "isp2";
  const parts = () => {
    if (lab === undefined || browser === undefined) throw new Error("the lab does not stand");
    return { url: lab.url, base: lab.url.replace(/#.*/, ""), browser };
  };

  test.before(async () => {
    lab = await startLab(said);
    browser = await startBrowser();
  });
  test.after(async () => {
    await browser?.close();
    await lab?.stop();
  });

  test("isp1 breaks: its lines are red, and the traffic is on isp2's", async () => {
    const { url, browser: opened } = parts();
    const { page, errors } = await opened.open();
    await page.goto(url);
    await page.waitForSelector('[data-line="box>provider isp1"][data-carries=yes]', PATIENCE);
    assert.not.match(page.url(), /token/, "the token does not stay in the address bar");
    // On a busy machine the stream may have moved already: what is broken is what carries at that moment.
    const took = await page.evaluate(async () => {
      const shows = (selector: string) =>
        new Promise<number>((resolve) => {
          const look = () => (document.querySelector(selector) === null ? requestAnimationFrame(look) : resolve(performance.now()));
          look();
        });
      const isOn = (name: string) => document.querySelector(`[data-line="box>provider ${name}"][data-carries=yes]`) !== null;
      const [from, to] = isOn("isp1") ? ["isp1", "isp2"] : ["isp2", "isp1"];
      const button = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === `Break ${from}`);
      const begun = performance.now();
      button?.click();
      const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("nothing moved in a minute")), 60_000));
      const both = [
        shows(`[data-line="box>provider ${from}"][data-health=dead]`),
        shows(`[data-line="box>provider ${to}"][data-carries=yes]`),
      ];
      const [red, moved] = await Promise.race([Promise.all(both), late]);
      return { from, to, red: Math.round(red - begun), moved: Math.round(moved - begun) };
    });
    const { from } = took;
    carrier = took.to;
    console.log(`red after ${took.red} ms, moved after ${took.moved} ms`);
    await page.waitForSelector(`[data-provider="${from}"][data-health=dead]`, PATIENCE);
    await page.waitForSelector(`[data-line^="provider ${from}>peer"][data-health=dead]`, PATIENCE);
    // Not by colour alone.
    assert.is(await page.locator(`[data-line="box>provider ${from}"] .cross`).count(), 1);
    await page.waitForSelector(".log [data-kind=moved]", PATIENCE);
    assert.match((await page.locator("[data-alarm]").textContent()) ?? "", /1 path is lost/);
    assert.equal(await faultsOf(page), []);
    await page.getByRole("button", { name: `Mend ${from}` }).click();
    await page.waitForSelector(`[data-lab-provider="${from}"][data-state=up]`, PATIENCE);
    assert.equal(errors, []);
  });

  test("a provider is drained after a question, and used again", async () => {
    const { url, browser: opened } = parts();
    const { page, errors } = await opened.open();
    await page.goto(url);
    await page.waitForSelector(`[data-line="box>provider ${carrier}"][data-carries=yes]`, PATIENCE);
    await page.getByRole("button", { name: `Drain: ${carrier}` }).click();
    const dialog = page.getByRole("dialog");
    assert.match((await dialog.textContent()) ?? "", /Drain isp\d\?.*1 context leaves it/s);
    assert.equal(await faultsOf(page), []);
    await page.keyboard.press("Escape");
    assert.is(await page.locator('[data-drained="yes"]').count(), 0, "Escape drains nothing");
    await page.getByRole("button", { name: `Drain: ${carrier}` }).click();
    await dialog.getByRole("button", { name: "Drain", exact: true }).click();
    await page.waitForSelector(`[data-provider="${carrier}"][data-drained=yes]`, PATIENCE);
    await page.waitForSelector(`[data-line="box>provider ${carrier === "isp1" ? "isp2" : "isp1"}"][data-carries=yes]`, PATIENCE);
    await page.getByRole("button", { name: `Use again: ${carrier}` }).click();
    await dialog.getByRole("button", { name: "Use again", exact: true }).click();
    await page.waitForSelector(`[data-provider="${carrier}"][data-drained=no]`, PATIENCE);
    assert.equal(errors, []);
  });

  test("the other box's page, on a phone and in the dark", async () => {
    const { base, browser: opened } = parts();
    const { page, errors } = await opened.open({ viewport: PHONE, colorScheme: "dark", hasTouch: true });
    await page.goto(`${base}beta/`);
    await page.waitForSelector('[data-line="box>provider isp3"][data-carries=yes]', PATIENCE);
    await page.waitForSelector(".grid [data-context]", PATIENCE);
    assert.equal(await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]), [PHONE.width, PHONE.width]);
    assert.equal(await faultsOf(page), []);
    assert.equal(errors, []);
  });

  test("without the token nothing is done; the page asks for it", async () => {
    const { base, url, browser: opened } = parts();
    const { page, errors } = await opened.open();
    await page.goto(base);
    await page.getByRole("button", { name: "Drain: isp1" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Token").fill(url.split("token=")[1]);
    assert.equal(await faultsOf(page), []);
    await dialog.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Drain: isp1" }).click();
    await dialog.getByRole("button", { name: "Drain", exact: true }).click();
    await page.waitForSelector('[data-provider="isp1"][data-drained=yes]', PATIENCE);
    assert.equal(errors, []);
  });
}

test.run();
