/** Drives a real browser from a test. */
import { type Browser, chromium, type Page } from "npm:playwright-core@1.64.1";
import { CHROMIUM_FLAGS } from "./tools.ts";

export type { Page };

/** Debian's path: the npm package includes no browser. */
const CHROMIUM = "/usr/bin/chromium";

/** Starts a browser of its own, which is always closed, so that all sanitizers stay on. */
export async function withBrowser(use: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS] });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

/**
 * Opens a page in a browser of its own. An uncaught error within the page fails the test; otherwise it would only show as a
 * page that never finishes.
 */
export function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  return withBrowser(async (browser) => {
    const page = await browser.newPage();
    const broken = Promise.withResolvers<never>();
    page.on("pageerror", broken.reject);
    await Promise.race([use(page), broken.promise]);
  });
}
