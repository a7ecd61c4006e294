import type { ModelTelemetry, Telemetry } from '@ringfleet/shared/protocol';
import { describe, expect, it } from 'vitest';
import { mergeTelemetry, type OutboxRow, reliefOf } from './outbox-policy.ts';

const row = (id: number, seq: number | null = null, isTombstone = false): OutboxRow => ({
  id,
  stream: 'tele',
  seq,
  bytes: 100,
  isTombstone,
});

describe('relief for a full outbox', () => {
  it('is not given below the bound', () => {
    expect(reliefOf([row(1), row(2)], 200, 200)).toEqual({ do: 'nothing' });
  });

  it('first merges the oldest unsent telemetry, never a sent row', () => {
    expect(reliefOf([row(1, 1), row(2), row(3), row(4)], 400, 200)).toEqual({
      do: 'merge',
      older: 2,
      newer: 3,
    });
    expect(reliefOf([row(2), row(3), row(4)], 300, 200, new Set([2]))).toEqual({
      do: 'merge',
      older: 3,
      newer: 4,
    });
  });

  it('then drops unsent telemetry, then empties sent rows but keeps their place', () => {
    expect(reliefOf([row(1, 1), row(2), row(3)], 300, 50)).toEqual({ do: 'drop', id: 2 });
    expect(reliefOf([row(1, 1, true), row(2, 2)], 300, 50)).toEqual({ do: 'tombstone', id: 2 });
  });

  it('keeps events and update results even when they alone are too much', () => {
    expect(reliefOf([], 1e9, 1)).toEqual({ do: 'nothing' });
  });
});

const model = (changes: Partial<ModelTelemetry> = {}): ModelTelemetry => ({
  model: 'tiny',
  phase: 'idle',
  running: { version: '1.0.0', digest: `sha256:${'a'.repeat(64)}`, variant: 'cpu' },
  isCommitted: true,
  answers: 5,
  failures: 1,
  rejected: 2,
  fallbacks: 0,
  runnerRestarts: 1,
  latencyUs: [1, 2],
  features: [{ name: 'x', bins: [1, 0], missing: 1, nonFinite: 0, outOfRange: 0 }],
  classes: [3, 2],
  ...changes,
});
const telemetry = (from: number, models: ModelTelemetry[]): Telemetry => ({
  from,
  to: from + 10,
  device: { uptimeMs: from, rssBytes: 1, cpuMs: 1, memoryFreeBytes: 1, diskFreeBytes: 1, load1: 0 },
  outbox: { rows: 1, bytes: 1, dropped: 0 },
  models,
});

describe('merged telemetry', () => {
  it('covers both windows and adds up every count', () => {
    const both = mergeTelemetry(
      telemetry(0, [model()]),
      telemetry(10, [model({ answers: 7, classes: [1, 1] })]),
    );
    expect(both).toMatchObject({ from: 0, to: 20, device: { uptimeMs: 10 } });
    expect(both?.models).toMatchObject([
      { answers: 12, failures: 2, rejected: 4, runnerRestarts: 2, latencyUs: [2, 4], classes: [4, 3] },
    ]);
    expect(both?.models[0]?.features[0]).toMatchObject({ bins: [2, 0], missing: 2 });
  });

  it('keeps counts of different releases apart', () => {
    const other = model({
      running: { version: '1.1.0', digest: `sha256:${'b'.repeat(64)}`, variant: 'cpu' },
    });
    expect(mergeTelemetry(telemetry(0, [model()]), telemetry(10, [other]))?.models).toHaveLength(2);
  });

  it('is refused when it would pass the bounds of the protocol', () => {
    const many = Array.from({ length: 64 }, (_, i) => model({ model: `m${i}` }));
    expect(mergeTelemetry(telemetry(0, many), telemetry(10, [model({ model: 'other' })]))).toBeNull();
  });
});
