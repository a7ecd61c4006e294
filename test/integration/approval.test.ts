import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { enroll } from '../../agent/src/adapters/enroll.ts';
import { readIdentity } from '../../agent/src/adapters/identity.ts';
import { startWorld } from '../../fleet-server/src/device-contact/device-side-fixture.ts';
import { CAPABILITIES, tokenLine } from './enrolling.fixture.ts';

it('a device shows the code that the server computes, waits for the operator, and is enrolled', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ringfleet-approval-'));
  const world = await startWorld();
  try {
    const secret = randomBytes(32).toString('hex');
    const secretHash = createHash('sha256').update(secret).digest('hex');
    const change = { by: { kind: 'person', name: 'ada', role: 'admin' }, atMs: Date.now() } as const;
    const stored = { name: 'a', secretHash, labels: {}, uses: 1, expiresAtMs: Date.now() + 60_000 };
    await world.stores.tokens.createEnrollment({ ...stored, needsApproval: true }, change);
    const stateDir = join(folder, 'state');
    const done = await enroll({
      stateDir,
      token: await tokenLine(world, secret),
      id: 'edge-1',
      capabilities: CAPABILITIES,
      onPending: ({ device, code }) => void world.stores.pending.approve(device, code, change),
      clock: {
        nowMs: Date.now,
        random: () => 0,
        sleep: () => new Promise((resolve) => setImmediate(resolve)),
      },
    });
    expect(done).toEqual({ fleet: 'lab', device: 'edge-1' });
    expect(await readIdentity(stateDir)).toMatchObject({ device: 'edge-1' });
  } finally {
    await world.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
