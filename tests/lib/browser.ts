/** A real Chromium for tests: what it complained about is kept, and axe can be asked whether a page can be used by everybody. */
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
/** Without its sandbox, since tests run as root; without what it would look for on a machine with a screen and finds here slowly, or not at all. */
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-features=Vulkan,OnDeviceModelService"];
/** Milliseconds; a busy machine is slow to start it. */
const START_PATIENCE = 120_000;
const GRAVE = ["serious", "critical"];

/** Opens pages, and closes all of them at the end. */
export interface TestBrowser {
  /** A page with a memory of its own. */
  open(options?: BrowserContextOptions): Promise<TestPage>;
  close(): Promise<void>;
}

/** A page and what it said. */
export interface TestPage {
  readonly page: Page;
  /** Errors on the console and exceptions that nobody caught. */
  readonly errors: string[];
}

/** Starts Chromium. */
export async function startBrowser(): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout: START_PATIENCE });
  return {
    async open(options = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options });
      const page = await context.newPage();
      const errors: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
      });
      page.on("pageerror", (error) => errors.push(String(error)));
      return { page, errors };
    },
    close: () => browser.close(),
  };
}

/** What axe calls serious or critical on `page`, one line each. */
export async function faultsOf(page: Page): Promise<string[]> {
  // By the debugger: the page's own policy lets no script in, and shall not.
  await page.evaluate(axe.source);
  const found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  const { violations } = found as {
    violations: { id: string; impact: string | null; nodes: { target: unknown; failureSummary?: string }[] }[];
  };
  return violations
    .filter(({ impact }) => impact !== null && GRAVE.includes(impact))
    .flatMap(({ id, impact, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${impact} ${id}: ${JSON.stringify(target)} ${failureSummary ?? ""}`),
    );
}
