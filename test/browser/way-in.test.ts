import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, whyNoBrowser } from './chromium.ts';
import { ARTIFACTS, expectText, namelessControls, openPage, shoot, widthOf } from './page-checks.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const PASSWORD = 'correct horse battery';
const LOOKS = [
  [1280, 'light'],
  [1280, 'dark'],
  [360, 'light'],
  [360, 'dark'],
] as const;

describe.skipIf(whyNoBrowser !== null)('the way in, in a real browser', () => {
  let folder: string;
  let server: ServerProcess;
  let browser: Browser;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rf-way-in-'));
    await mkdir(ARTIFACTS, { recursive: true });
    server = await startServer(folder);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it.each(LOOKS)('fits and names its fields at %i px, %s', async (width, theme) => {
    const { page, context } = await openPage(browser, width, theme);
    for (const [name, path] of [
      ['sign-in', '/'],
      ['set-up', '/setup?code=x'],
      ['invitation', '/invitation?code=x'],
    ] as const) {
      await page.goto(`${server.url}${path}`);
      await page.getByLabel('Password', { exact: true }).waitFor();
      expect(await widthOf(page)).toBeLessThanOrEqual(width);
      expect(await namelessControls(page)).toEqual([]);
      await shoot(page, `${name}-${width}-${theme}`);
    }
    await context.close();
  });

  it('lets the first administrator set up the fleet, sign out, and sign in by name', async () => {
    const { page, context } = await openPage(browser, 1280, 'light');
    await page.goto(server.setUpUrl);
    await page.getByLabel('Name', { exact: true }).fill('ada');
    await page.getByLabel('Password', { exact: true }).fill('short');
    await page.getByLabel('Password, once more').fill('shorter');
    await page.keyboard.press('Enter');
    await expectText(page.getByRole('alert'), 'The two passwords differ.');
    await page.getByLabel('Password, once more').fill('short');
    await page.keyboard.press('Enter');
    await expectText(page.getByRole('alert'), 'at least 12 characters');
    expect(page.url()).not.toContain('code=');
    for (const label of ['Password', 'Password, once more'])
      await page.getByLabel(label, { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Become administrator' }).click();
    await page.getByRole('heading', { name: 'Devices' }).waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Name', { exact: true }).fill('ada');
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.keyboard.press('Enter');
    await expectText(page.getByRole('alert'), 'Name or password is wrong.');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Devices' }).waitFor();
    await context.close();
  });
});
