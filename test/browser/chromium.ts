import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

/** Why the browser tests cannot run here; null when they can. CI installs the package and must skip none. */
export const whyNoBrowser: string | null = existsSync(CHROMIUM)
  ? null
  : `browser tests skipped: ${CHROMIUM} is missing (apt-get install chromium)`;

/** Debian's Chromium, told not to talk to anybody but the page. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
