import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeIdentity } from './adapters/identity.ts';
import { systemClock } from './adapters/system-clock.ts';
import { awaitEnrollment } from './await-enrollment.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rf-await-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const identity = () =>
  writeIdentity(
    join(dir, 'state'),
    {
      ...{ v: 1, fleet: 'lab', device: 'd', apiUrl: 'https://x', mqttUrl: 'mqtts://x', notAfter: 5 },
      ...{ keyPem: 'K', certificatePem: 'C', caPem: 'A' },
    } as Parameters<typeof writeIdentity>[1],
    '{}',
  );

const waiting = (say: (line: string) => void, env: Record<string, string> = {}) =>
  awaitEnrollment(
    {
      stateDir: join(dir, 'state'),
      env,
      version: '0',
      log: pino({ level: 'silent' }),
      clock: { ...systemClock, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
      say,
    },
    AbortSignal.timeout(10_000),
  );

it('says what to do, and goes on as soon as a person has enrolled the device', async () => {
  const said: string[] = [];
  let isOver = false;
  const over = waiting((line) => said.push(line)).then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  await identity();
  await over;
  expect(said).toEqual(['not enrolled: run `ringfleet-agent enroll --token-file FILE`']);
});

it('does not hold against the device a token that came with it and is spoilt', async () => {
  writeFileSync(join(dir, 'enrollment-token'), 'nonsense');
  const said: string[] = [];
  const over = waiting(
    (line) => {
      said.push(line);
      if (said.length === 2) void identity();
    },
    { CREDENTIALS_DIRECTORY: dir },
  );
  await over;
  expect(said[1]).toBe(
    'not enrolled: run `ringfleet-agent enroll --token-file FILE` (its token: ENROLLMENT_TOKEN_INVALID)',
  );
});
