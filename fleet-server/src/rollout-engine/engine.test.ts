import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Envelope } from '@ringfleet/shared/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStores } from '../adapters/store-sqlite/index.ts';
import type { RingPlan, Rollout } from '../core/domain.ts';
import { newRollout } from '../core/rollout/new-rollout.ts';
import { SILENT } from '../ports/log.ts';
import {
  CHANGE,
  DIGEST_1,
  DIGEST_2,
  enrolled,
  NOW_MS,
  releaseOf,
  report,
  running,
  stateBody,
  teleBody,
} from '../ports/stores.contract.ts';
import type { Stores } from '../ports/stores.ts';
import { type EngineParts, type RolloutEngine, startRolloutEngine, tickAll } from './engine.ts';

const ID = '01980000-0000-7000-8000-0000000000f1';
const PLAN: Omit<RingPlan, 'ring'> = {
  bakeMs: 1_000,
  minProven: 1,
  minExercised: 1,
  maxFailureBasisPoints: 0,
  minExecuted: 1,
  maxFailures: 0,
  deadlineMs: 60_000,
  needsApproval: false,
  onFailure: 'rollbackRing',
};
const SOAK = { soakMs: 1, minInferences: 1, deadlineMs: 2 };

let dir: string;
let stores: Stores & { close(): void };
let nowMs: number;
let engine: RolloutEngine | null;
let seq: number;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ringfleet-engine-'));
  nowMs = NOW_MS;
  seq = 0;
  engine = null;
  stores = openStores(dir, { log: SILENT, clock: () => nowMs });
  for (const [version, digest] of [
    ['1.0.0', DIGEST_1],
    ['1.1.0', DIGEST_2],
  ] as const) {
    await stores.releases.add(releaseOf(version, digest), Buffer.from('{}'), CHANGE);
  }
  for (const [ordinal, [name, device]] of [
    ['canary', 'c'],
    ['fleet', 'f'],
  ].entries() as IterableIterator<[number, [string, string]]>) {
    await enrolled(stores, device);
    await stores.devices.setConnected(device, true, nowMs);
    await stores.rings.put(
      { name, ordinal, selector: null, devices: [device], shareBasisPoints: null },
      null,
      CHANGE,
    );
    await assign(name, '1.0.0', DIGEST_1);
  }
});
afterEach(async () => {
  await engine?.stop();
  stores.close();
  await rm(dir, { recursive: true, force: true });
});

const parts = (more: Partial<EngineParts> = {}): EngineParts => ({
  stores,
  clock: () => nowMs,
  log: SILENT,
  tickMs: 20,
  ...more,
});
const assign = (ring: string, version: string, digest: string) =>
  stores.rings.assign(
    { ring, model: 'tiny', version, digest, attempt: 1, rollout: null, soak: null },
    CHANGE,
  );
const current = async (): Promise<Rollout> => (await stores.rollouts.get(ID)) as Rollout;
const assigned = async (ring: string) =>
  (await stores.rings.assignments()).find((assignment) => assignment.ring === ring)?.version;

async function start(): Promise<void> {
  const rings = ['canary', 'fleet'].map((ring) => ({ ...PLAN, ring }));
  const release = { model: 'tiny', version: '1.1.0', digest: DIGEST_2 };
  await stores.rollouts.create(newRollout(ID, release, { soak: SOAK, rings }, CHANGE.by, nowMs), CHANGE, []);
}
const ingest = (device: string, ...envelopes: Envelope[]) => stores.reports.ingest(device, envelopes, nowMs);

async function proves(device: string): Promise<void> {
  const state = stateBody({ release: { version: '1.1.0', digest: DIGEST_2 }, running: running(DIGEST_2) });
  seq++;
  await ingest(device, report('state', seq, state, { at: NOW_MS + 10 }));
  await ingest(device, report('tele', seq, teleBody(DIGEST_2), { at: NOW_MS + 20 }));
}

async function fails(device: string): Promise<void> {
  const state = stateBody({
    from: 'preflight',
    release: { version: '1.1.0', digest: DIGEST_2 },
    running: running(DIGEST_1),
    failure: { code: 'ACCEPTANCE_FAILED', reason: '3 of 10', phase: 'preflight' },
  });
  seq++;
  await ingest(device, report('state', seq, state, { at: NOW_MS + 10 }));
}

describe('rollout engine', () => {
  it('opens the first ring by itself and follows reports and time to the end', async () => {
    await start();
    engine = startRolloutEngine(parts());
    await vi.waitFor(async () => expect(await assigned('canary')).toBe('1.1.0'));
    expect(await assigned('fleet')).toBe('1.0.0');
    await proves('c');
    await vi.waitFor(async () => expect((await current()).rings[0]?.gate?.code).toBe('GATE_BAKING'));
    nowMs += 1_000;
    await vi.waitFor(async () => expect(await assigned('fleet')).toBe('1.1.0'));
    await proves('f');
    await vi.waitFor(async () => expect((await current()).rings[1]?.gate?.code).toBe('GATE_BAKING'));
    nowMs += 1_000;
    await vi.waitFor(async () => expect((await current()).state).toBe('completed'));
  });

  it('looks soon after a report, long before its timer', async () => {
    await start();
    engine = startRolloutEngine(parts({ tickMs: 3_600_000 }));
    await vi.waitFor(async () => expect(await assigned('canary')).toBe('1.1.0'));
    await fails('c');
    await vi.waitFor(async () => expect((await current()).state).toBe('halted'));
    expect((await current()).reason).toContain('c ACCEPTANCE_FAILED (3 of 10)');
    expect([await assigned('canary'), await assigned('fleet')]).toEqual(['1.0.0', '1.0.0']);
  });

  it('names the devices whose ring was given something else', async () => {
    await start();
    const pushed: string[][] = [];
    await tickAll(parts({ pushDesired: async (devices) => void pushed.push([...devices]) }));
    await tickAll(parts({ pushDesired: async (devices) => void pushed.push([...devices]) }));
    expect(pushed).toEqual([['c']]);
  });

  it('writes nothing while nothing changes', async () => {
    await start();
    await tickAll(parts());
    await tickAll(parts());
    const { revision } = await current();
    await tickAll(parts());
    expect((await current()).revision).toBe(revision);
  });

  it('two engines on one store take each step once', async () => {
    await start();
    await Promise.all([tickAll(parts()), tickAll(parts())]);
    const { items } = await stores.events.list({ limit: 100, rollout: ID });
    expect(items.filter(({ code }) => code === 'ROLLOUT_RING_OPENED')).toHaveLength(1);
  });

  it('a direct assignment of an opened ring supersedes the rollout', async () => {
    await start();
    await tickAll(parts());
    await assign('canary', '1.0.0', DIGEST_1);
    await tickAll(parts());
    expect((await current()).state).toBe('superseded');
    expect(await assigned('canary')).toBe('1.0.0');
  });

  it('pauses with its reason when the release is yanked on the way', async () => {
    await start();
    await stores.releases.yank('tiny', '1.1.0', CHANGE);
    await tickAll(parts());
    expect(await current()).toMatchObject({ state: 'paused', reasonCode: 'ROLLOUT_RELEASE_YANKED' });
  });

  it('goes on after a look that failed or never came back', async () => {
    await start();
    const real = stores.rings.list.bind(stores.rings);
    const answers = [() => Promise.reject(new Error('busy')), () => new Promise<never>(() => undefined)];
    const flaky: Stores = { ...stores, rings: { ...stores.rings, list: () => (answers.shift() ?? real)() } };
    engine = startRolloutEngine(parts({ stores: flaky, deadlineMs: 30 }));
    await vi.waitFor(async () => expect(await assigned('canary')).toBe('1.1.0'));
  });

  it('does nothing after it was stopped', async () => {
    await start();
    engine = startRolloutEngine(parts());
    await engine.stop();
    const before = await current();
    nowMs += 100_000;
    await proves('c');
    expect(await current()).toEqual(before);
  });
});
