/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { ServerProcess } from './server-process.ts';

export const ARTIFACTS = fileURLToPath(new URL('artifacts', import.meta.url));
const WAIT_MS = 20_000;

/** A page of its own session that writes down everything it should not do. */
export async function openPage(
  browser: Browser,
  width: number,
  colorScheme: 'light' | 'dark',
): Promise<{ page: Page; context: BrowserContext; faults: () => string[] }> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    hasTouch: width < 500,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const found: string[] = [];
  let origin: string | null = null;
  page.on('pageerror', (err) => found.push(`thrown: ${err.message}`));
  page.on('console', (message) => {
    // Chromium itself notes the one refused read that tells the page to ask for a sign-in.
    const isSignInProbe = message.text().includes('401') && message.location().url.endsWith('/overview');
    if (['error', 'warning'].includes(message.type()) && !isSignInProbe) found.push(message.text());
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    origin ??= url.origin;
    if (url.origin !== origin) found.push(`third party: ${request.url()}`);
  });
  return { page, context, faults: () => [...found] };
}

/** Signs in with the administrator's token; `url` when not the server's own. */
export async function signIn(page: Page, server: ServerProcess, url = server.url): Promise<void> {
  await page.goto(url);
  await page.getByRole('button', { name: 'Use an API token instead' }).click();
  await page.getByLabel('API token').fill(server.adminToken);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
}

/** Waits until the text stands there; fails with what stands there instead. */
export async function expectText(locator: Locator, text: string): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  let seen = '';
  while (Date.now() < deadline) {
    seen = (await locator.count()) > 0 ? ((await locator.first().textContent()) ?? '') : '';
    if (seen.includes(text)) return;
    await locator.page().waitForTimeout(50);
  }
  expect(seen).toContain(text);
}

/** Keeps what the page looks like, for people. */
export async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`), fullPage: true });
}

/** Controls and pictures that a screen reader could only spell out; ids that two elements share. */
export function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const nameOf = (element: Element): string => {
      const labels = 'labels' in element ? [...(element.labels as NodeListOf<HTMLElement>)] : [];
      const words = [
        element.getAttribute('aria-label'),
        element.textContent,
        ...labels.map((l) => l.textContent),
      ];
      return words.map((word) => word?.trim() ?? '').join('');
    };
    const nameless = [...document.querySelectorAll('button, a, input, select, [role="img"]')]
      .filter((element) => nameOf(element) === '')
      .map((element) => element.outerHTML.slice(0, 120));
    const unlabelled = [
      ...document.querySelectorAll('img:not([alt]), svg:not([aria-hidden="true"], [aria-label])'),
    ];
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    const doubled = ids.filter((id, index) => ids.indexOf(id) !== index);
    return [...nameless, ...unlabelled.map((element) => element.outerHTML.slice(0, 120)), ...doubled];
  });
}

/** What the keyboard stands on, and whether it can be seen; null on the page itself. */
export function focused(page: Page): Promise<{ name: string; hasRing: boolean } | null> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const style = getComputedStyle(element);
    return {
      name: (element.getAttribute('aria-label') ?? element.textContent ?? '').trim(),
      hasRing: style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2,
    };
  });
}

export const themeOf = (page: Page): Promise<string> =>
  page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);

/** Marks this very document; a reload loses the mark. */
export const markDocument = (page: Page): Promise<void> =>
  page.evaluate(() => {
    document.documentElement.dataset['mark'] = 'yes';
  });

export const isMarked = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.dataset['mark'] === 'yes');

export const widthOf = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth);
