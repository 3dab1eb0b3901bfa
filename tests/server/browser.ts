/** A real browser, driven from a test. */
import { chromium, type Page } from "npm:playwright-core@1.64.1";
import { CHROMIUM_FLAGS } from "./tools.ts";

export type { Page };

/** Where Debian puts it: the package brings no browser of its own. */
const CHROMIUM = "/usr/bin/chromium";

/**
 * Opens a page in a browser of its own, which is closed in any case; all sanitizers can
 * stay on. What fails within the page fails the test: an error that a script did not
 * catch would otherwise only be a page that never gets done.
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
