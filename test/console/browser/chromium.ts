import packed from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

/**
 * A real Chromium: CHROME_PATH's, or on Linux the one that npm brings, or else the Chrome that is
 * installed.
 */
export async function launch(): Promise<Browser> {
  const { CHROME_PATH } = process.env;
  if (CHROME_PATH) return chromium.launch({ executablePath: CHROME_PATH });
  if (process.platform !== "linux" || process.arch !== "x64") {
    return chromium.launch({ channel: "chrome" });
  }
  // Not its own arguments: they turn off what pages rely on, such as the rules between origins.
  return chromium.launch({ executablePath: await packed.executablePath() });
}
