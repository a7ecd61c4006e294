import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, whyNoBrowser } from './chromium.ts';
import { CuttableLine } from './cuttable-line.ts';
import {
  ARTIFACTS,
  expectText,
  focused,
  isMarked,
  markDocument,
  namelessControls,
  openPage,
  shoot,
  signIn,
  themeOf,
  widthOf,
} from './page-checks.ts';
import { MODEL, seedFleet } from './seeded-fleet.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { SimulatedDevice } from './simulated-device.ts';

const BUILT = fileURLToPath(new URL('../../fleet-server/dashboard/dist/web/index.html', import.meta.url));
const PLAN = {
  soak: { for: '1s', minInferences: 1, deadline: '1h' },
  rings: ['canary', 'fleet'].map((ring) => ({
    ring,
    bake: '1h',
    minProven: 1,
    minExercised: 1,
    minExecuted: 1,
    maxFailures: 0,
    deadline: '3h',
    onFailure: 'rollbackRing',
  })),
};

// biome-ignore lint/suspicious/noConsole: a skipped browser test must be heard.
if (whyNoBrowser) console.error(whyNoBrowser);

describe.skipIf(whyNoBrowser !== null)('the dashboard in a real browser', () => {
  let folder: string;
  let server: ServerProcess;
  let browser: Browser;
  let devices: Record<'canary' | 'second' | 'silent', SimulatedDevice>;

  beforeAll(async () => {
    if (!existsSync(BUILT)) throw new Error('the dashboard is not built: npm run build');
    folder = await mkdtemp(join(tmpdir(), 'rf-browser-'));
    await mkdir(join(folder, 'server'));
    await mkdir(ARTIFACTS, { recursive: true });
    await seedFleet(join(folder, 'server'));
    server = await startServer(join(folder, 'server'));
    browser = await launchChromium();
    devices = {
      canary: await SimulatedDevice.enroll(server, 'cam-canary', 'canary', folder),
      second: await SimulatedDevice.enroll(server, 'cam-second', 'fleet', folder),
      silent: await SimulatedDevice.enroll(server, 'cam-silent', 'fleet', folder),
    };
    for (const device of [devices.canary, devices.second]) {
      await device.connect();
      await device.reports('idle', { runs: '1.0.0' });
      await device.beats('1.0.0', 120);
    }
  });

  afterAll(async () => {
    await browser?.close();
    for (const device of Object.values(devices ?? {})) await device.disconnect();
    await server?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('takes the printed link once, else asks for a token, refuses a wrong one with what to do, and lets the right one in', async () => {
    const { page, context } = await openPage(browser, 1280, 'light');
    await page.goto(server.signInUrl);
    await page.getByRole('heading', { name: 'Devices' }).waitFor();
    await context.clearCookies();
    await page.goto(server.url);
    await page.getByRole('button', { name: 'Use an API token instead' }).click();
    const field = page.getByLabel('API token');
    await field.fill('not-a-token');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expectText(page.getByRole('alert'), 'The server does not know this token.');
    await page.screenshot({ path: join(ARTIFACTS, 'sign-in-refused.png') });
    await field.fill(server.adminToken);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Devices' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Password').waitFor();
    await context.close();
  });

  it('loads in at most 250 KB of compressed JavaScript', async () => {
    const assets = join(BUILT, '../assets');
    const scripts = (await readdir(assets)).filter((name) => name.endsWith('.js'));
    const sizes = await Promise.all(
      scripts.map(async (name) => gzipSync(await readFile(join(assets, name))).length),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(250 * 1024);
  });

  it('shows each device with ring, release and state, and finds one by its name', async () => {
    const { page, context, faults } = await openPage(browser, 1280, 'light');
    await signIn(page, server);
    const row = page.getByRole('row', { name: /cam-canary/ });
    await expectText(row, 'canary');
    await expectText(row, '1.0.0');
    await expectText(row, 'Proven');
    await expectText(row, '120');
    await expectText(row, 'Connected');
    await expectText(page.getByRole('row', { name: /cam-silent/ }), 'Offline');

    await page.getByLabel('Find a device').fill('second');
    await page.getByRole('row', { name: /cam-canary/ }).waitFor({ state: 'detached' });
    expect(new URL(page.url()).searchParams.get('search')).toBe('second');
    await page.reload();
    await page.getByRole('row', { name: /cam-second/ }).waitFor();
    expect(await page.getByRole('row', { name: /cam-canary/ }).count()).toBe(0);
    await page.getByLabel('Find a device').fill('');

    await page.getByRole('button', { name: 'Answers' }).click();
    await page
      .locator('th[aria-sort="descending"], th[aria-sort="ascending"]', { hasText: 'Answers' })
      .waitFor();
    expect(new URL(page.url()).searchParams.get('sort')).toMatch(/^-?answers$/);
    expect(faults()).toEqual([]);
    await context.close();
  });

  it('shows a rollout live, from its start to the halt with its reason, without a reload', async () => {
    const { page, context, faults } = await openPage(browser, 1280, 'light');
    await signIn(page, server);
    await expectText(page.getByRole('status').first(), 'Live');
    await markDocument(page);

    await server.call('POST', 'rollouts', { model: MODEL, version: '1.2.0', plan: PLAN });
    const card = page.getByRole('article', { name: `${MODEL} 1.2.0` });
    await expectText(card, 'In motion');
    await expectText(card, 'Gate not decided yet');
    await expectText(card, 'None of 1 device has taken the release up yet.');

    await devices.canary.reports('soaking', { runs: '1.2.0', candidate: '1.2.0' });
    await expectText(page.getByRole('row', { name: /cam-canary/ }), 'On probation 1.2.0');
    await shoot(page, 'moving-1280-light');

    const reason = '38 of 60 acceptance samples were right.';
    const failure = { code: 'ACCEPTANCE_FAILED', reason, phase: 'soaking' as const };
    await devices.canary.reports('idle', { runs: '1.0.0', candidate: '1.2.0', failure });
    await expectText(card, 'Halted');
    await expectText(card, 'Why it was halted');
    await expectText(card, reason.slice(0, -1));
    await expectText(card, 'GATE_TOO_MANY_FAILURES');
    await expectText(page.getByRole('heading', { level: 1 }), `${MODEL} 1.2.0 was stopped on ring canary`);
    await expectText(page.getByRole('row', { name: /cam-canary/ }), 'Came back from 1.2.0');
    await expectText(page.getByRole('region', { name: 'Recent events' }), 'gave up keyword 1.2.0');

    expect(await isMarked(page)).toBe(true);
    expect(faults()).toEqual([]);
    await context.close();
  });

  it('says that it is cut off, and catches up by itself', async () => {
    const line = await CuttableLine.to(server.url);
    const { page, context } = await openPage(browser, 1280, 'light');
    await signIn(page, server, line.url);
    const status = page.getByRole('status').first();
    await expectText(status, 'Live');
    line.cut();
    await expectText(status, 'Reconnecting');
    await expectText(status, 'Stale since');
    await server.call('PATCH', 'devices/cam-second', { labels: { floor: '3' } });
    await shoot(page, 'stale-1280-light');
    await line.mend();
    await expectText(status, 'Live');
    await expectText(page.getByRole('row', { name: /cam-second/ }), 'floor=3');
    await context.close();
    line.cut();
  });

  it('can be used with the keyboard alone, and the focus can be seen', async () => {
    const { page, context } = await openPage(browser, 1280, 'dark');
    await signIn(page, server);
    await page.getByRole('row', { name: /cam-second/ }).waitFor();
    const reached = new Set<string>();
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      const focus = await focused(page);
      if (!focus) continue;
      expect(focus.hasRing, `focus ring of ${focus.name}`).toBe(true);
      reached.add(focus.name);
    }
    for (const name of ['Skip to the content', 'Switch to light', 'Sign out', 'Answers'])
      expect([...reached]).toContain(name);

    await page.getByRole('button', { name: 'Switch to light' }).press('Enter');
    expect(await themeOf(page)).toBe('light');
    await page.reload();
    expect(await themeOf(page)).toBe('light');
    await context.close();
  });

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [1920, 'dark'],
    [768, 'light'],
    [360, 'light'],
    [360, 'dark'],
  ] as const)('fits %i px in %s, without a sideways scroll or a nameless control', async (width, scheme) => {
    const { page, context, faults } = await openPage(browser, width, scheme);
    await signIn(page, server);
    await page.getByText('cam-second', { exact: true }).first().waitFor();
    await expectText(page.getByRole('status').first(), 'Live');
    await shoot(page, `fleet-${width}-${scheme}`);
    expect(await widthOf(page)).toBeLessThanOrEqual(width);
    expect(await namelessControls(page)).toEqual([]);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    expect(await page.getByRole('main').count()).toBe(1);
    expect(faults()).toEqual([]);
    await context.close();
  });
});
