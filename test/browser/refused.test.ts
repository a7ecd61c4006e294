import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, whyNoBrowser } from './chromium.ts';
import { ARTIFACTS, expectText, namelessControls, openPage, shoot, signIn, widthOf } from './page-checks.ts';
import { seedFleet } from './seeded-fleet.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { SimulatedDevice } from './simulated-device.ts';

const LOOKS = [
  [1280, 'light'],
  [1280, 'dark'],
  [360, 'light'],
  [360, 'dark'],
] as const;

describe.skipIf(whyNoBrowser !== null)('refused contacts, in a real browser', () => {
  let folder: string;
  let server: ServerProcess;
  let browser: Browser;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rf-refused-'));
    await mkdir(join(folder, 'server'));
    await mkdir(ARTIFACTS, { recursive: true });
    await seedFleet(join(folder, 'server'));
    server = await startServer(join(folder, 'server'));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('are not there while nobody was refused', async () => {
    const { page, context } = await openPage(browser, 1280, 'light');
    await signIn(page, server);
    expect(await page.getByRole('heading', { name: 'Refused contacts' }).count()).toBe(0);
    await context.close();
  });

  it('say who came, why they were turned away, and what would help', async () => {
    const device = await SimulatedDevice.enroll(server, 'cam-lost', 'canary', folder);
    await server.call('POST', 'devices/cam-lost/revoke', { reason: 'stolen' });
    await device.knocks();
    await withoutCertificate(server.deviceUrl);
    await withUnknownToken(server.httpsUrl);
    for (const [width, theme] of LOOKS) {
      const { page, context, faults } = await openPage(browser, width, theme);
      await signIn(page, server);
      const section = page.getByRole('region', { name: 'Refused contacts' });
      await expectText(section, 'cam-lost from 127.0.0.1');
      for (const text of [
        'CERTIFICATE_NOT_VALID',
        'Enroll the device again with a new token.',
        'serial ',
        'Create a new one with ringfleet token create.',
        'CLIENT_CERTIFICATE_REFUSED',
        'TOKEN_UNKNOWN',
        'once',
      ])
        await expectText(section, text);
      expect(await widthOf(page)).toBeLessThanOrEqual(width);
      expect(await namelessControls(page)).toEqual([]);
      await shoot(page, `refused-${width}-${theme}`);
      expect(faults()).toEqual([]);
      await context.close();
    }
  });
});

/** Somebody without a certificate at the door of the devices. */
function withoutCertificate(deviceUrl: string): Promise<void> {
  const { hostname, port } = new URL(deviceUrl);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.write('GET / HTTP/1.1\r\n\r\n');
  });
}

/** A device whose token the server has never made. */
function withUnknownToken(httpsUrl: string): Promise<void> {
  const body = JSON.stringify({ secret: 'x'.repeat(40), id: 'cam-new', csr: 'x' });
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asking = request(
      `${httpsUrl}/device/v1/enroll`,
      { method: 'POST', headers, rejectUnauthorized: false, agent: false },
      (response) => {
        response.resume();
        response.once('end', () => resolve());
      },
    );
    asking.once('error', reject);
    asking.end(body);
  });
}
