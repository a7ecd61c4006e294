import { join } from 'node:path';
import type { ModelTelemetry, Telemetry } from '@ringfleet/shared/protocol';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SOURCE, writeSource } from '../../fleet-server/src/release-build/release-fixture.ts';
import { type LiveAgent, LiveFleet } from './live-fleet.ts';

const MODEL = SOURCE.model;
const ROWS = 8;
const until = (check: () => void | Promise<void>, timeout = 20_000) =>
  vi.waitFor(check, { timeout, interval: 200 });

let fleet: LiveFleet;
let device: LiveAgent;

/** A release whose second feature may not be above 2.5, and one device that runs it. */
beforeAll(async () => {
  fleet = await LiveFleet.start();
  const trust = join(fleet.dir, 'publisher');
  const online = join(fleet.serverDir, 'keys', 'online.pub.json');
  await fleet.must('trust', 'init', '--dir', trust, '--model', MODEL, '--online-key', online);
  await fleet.must('trust', 'publish', '--dir', trust);
  await fleet.must('ring', 'set', 'a', '--order', '1', '--selector', 'stage=a');
  const source = await writeSource(join(fleet.dir, 'sources'), (one) => {
    one.features = [
      ...one.features,
      Object.assign(
        { name: 'b', input: 'features', kind: 'numeric', index: 1 },
        { expect: { max: 3.5, onViolation: 'degrade' } },
      ),
    ];
  });
  const dist = join(fleet.dir, 'dist');
  const release = join(dist, `${MODEL}-1.0.0`);
  await fleet.must('release', 'build', source, '--out', dist);
  await fleet.must('release', 'sign', release, '--trust', trust);
  await fleet.must('release', 'publish', release, '--trust', trust);
  await fleet.assign('a', `${MODEL}@1.0.0`);
  device = await fleet.agent('d-1', 'a');
  await until(async () => {
    const answer = await fetch(`${device.http}/v2/models/${MODEL}/ready`);
    expect(answer.status).toBe(200);
  });
});
afterAll(() => fleet?.stop());

/** Sends windows of 128 rows as the training data has them; `change` is a sensor that broke. */
async function ask(windows: number, change: (row: number[]) => number[] = (row) => row): Promise<void> {
  for (let sent = 0; sent < windows * 128; sent += ROWS) {
    const rows = Array.from({ length: ROWS }, () => change(rowOf(draw())));
    const inputs = [{ name: 'features', datatype: 'FP32', shape: [ROWS, 4], data: rows.flat() }];
    const url = `${device.http}/v2/models/${MODEL}/infer`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ inputs }) });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  }
}

/** A generator of its own, so that the rows are the same at every run. */
let state = 1;
function draw(): number {
  state = (state * 48_271) % 0x7fffffff;
  return state % 60;
}

/** One of the sixty rows of the training data. */
function rowOf(i: number): number[] {
  const values = [1 + (i % 7) / 10, 1 + (i % 5) / 10, 1 + (i % 3) / 10];
  values[i % 3] = 3;
  return [...values, i];
}

/** What the server has stored of the device's heartbeats, oldest first. */
function stored(): ModelTelemetry[] {
  const db = new Sqlite(join(fleet.serverDir, 'telemetry.db'), { readonly: true });
  try {
    const rows = db.prepare('SELECT body FROM heartbeats ORDER BY id').all() as { body: string }[];
    return rows.flatMap(({ body }) => (JSON.parse(body) as Telemetry).models);
  } finally {
    db.close();
  }
}

const driftOf = (model: ModelTelemetry | undefined, name: string) =>
  model?.psi?.find((one) => one.name === name);

describe('a heartbeat that a server has stored', () => {
  it('tells a shifted input from one as in training', async () => {
    let calm: ModelTelemetry | undefined;
    await until(async () => {
      await ask(1);
      calm = stored().findLast((model) => (driftOf(model, 'a')?.samples ?? 0) >= 512);
      expect(calm).toBeDefined();
    });
    const before = driftOf(calm, 'a');
    expect(before?.value).toBeLessThan(0.2);
    expect(before?.js).toBeLessThan(0.25);
    await until(async () => {
      await ask(1, ([a = 0, ...rest]) => [a + 0.35, ...rest]);
      const after = driftOf(stored().at(-1), 'a');
      expect(after?.value).toBeGreaterThan(1);
      expect(after?.g).toBeGreaterThan(10 * (before?.g ?? 0));
      expect(after?.js).toBeGreaterThan(0.4);
      // The model is less sure of what it has not seen, which may be an alarm of its own.
      const raised = expect.objectContaining({ kind: 'drift', name: 'a' });
      expect(stored().at(-1)?.alarms).toContainEqual(raised);
    });
    const { metrics } = (await device.status()) as unknown as { metrics: string };
    const text = await (await fetch(metrics)).text();
    expect(text).toContain('ringfleet_watch_alarm{model="tiny",version="1.0.0",kind="drift",feature="a"} 1');
    // The other feature is as it was.
    expect(driftOf(stored().at(-1), 'b')?.value).toBeLessThan(0.2);
  });

  it('tells that the input is as in training again', async () => {
    await until(async () => {
      await ask(2);
      expect(stored().at(-1)?.alarms).toBeUndefined();
    }, 40_000);
  });

  it('tells which features broke their schema, once', async () => {
    await ask(1, ([a = 0, , ...rest]) => [a, 4, ...rest]);
    await until(() => {
      const models = stored();
      const broken = models.map(({ features }) => features.find(({ name }) => name === 'b')?.violations);
      const sum = (counts: readonly (number | undefined)[]): number =>
        counts.reduce<number>((total, count) => total + (count ?? 0), 0);
      expect(sum(broken.map((one) => one?.outOfRange))).toBe(128);
      expect(sum(models.map(({ degraded }) => degraded))).toBe(128 / ROWS);
    });
    const status = (await device.status()) as unknown as { watch: Record<string, { degraded: number }> };
    expect(status.watch[MODEL]?.degraded).toBe(128 / ROWS);
  });
});
