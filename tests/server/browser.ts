/** Drives a real browser from a test. */
import { chromium, type Page } from "npm:playwright-core@1.64.1";
import { CHROMIUM_FLAGS } from "./tools.ts";

export type { Page };

/** Debian's path: the npm package includes no browser. */
const CHROMIUM = "/usr/bin/chromium";

/**
 * Opens a page in a browser of its own, which is always closed, so that all sanitizers stay
 * on. An uncaught error within the page fails the test; otherwise it would only show as a
 * page that never finishes.
 */
export async function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS] });
  try {
    const page = await browser.newPage();
    const broken = Promise.withResolvers<never>();
    page.on("pageerror", broken.reject);
    await Promise.race([use(page), broken.promise]);
  } finally {
    await browser.close();
  }
}
