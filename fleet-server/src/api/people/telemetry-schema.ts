import { DeviceHealth } from '@ringfleet/shared/protocol';
import { FeatureProfile } from '@ringfleet/shared/release';
import { Type } from 'typebox';
import { nullable } from '../schemas.ts';

export const GroupedByName = Type.Union([
  Type.Literal('release'),
  Type.Literal('ring'),
  Type.Literal('site'),
  Type.Literal('hardware'),
]);

const StepName = Type.Union([Type.Literal('slot'), Type.Literal('hour'), Type.Literal('day')], {
  description: 'the grain that was summed: 5 minutes, an hour, a day',
});
const Range = {
  model: Type.String(),
  fromMs: Type.Integer(),
  toMs: Type.Integer(),
  step: StepName,
};
const AtMostUs = nullable(Type.Integer({ description: 'null: slower than 2.5 s' }));

const Health = {
  key: Type.String({ description: 'a version, ring, site or kind of hardware; empty: none' }),
  reports: Type.Integer(),
  answers: Type.Integer(),
  failures: Type.Integer(),
  rejected: Type.Integer(),
  fallbacks: Type.Integer(),
  runnerRestarts: Type.Integer(),
  failuresPerThousand: nullable(
    Type.Object(
      { value: Type.Number(), lower: Type.Number(), upper: Type.Number() },
      { description: 'with its exact 95 % interval; null: no requests' },
    ),
  ),
  latency: nullable(Type.Object({ p50AtMostUs: AtMostUs, p95AtMostUs: AtMostUs, p99AtMostUs: AtMostUs })),
};

export const HealthView = Type.Object({ ...Range, by: GroupedByName, rows: Type.Array(Type.Object(Health)) });

const Share = nullable(Type.Number({ description: 'of all values seen, 0 to 1; null: no values' }));

export const DriftView = Type.Object({
  ...Range,
  version: Type.String(),
  against: nullable(Type.String()),
  by: GroupedByName,
  reference: Type.Array(FeatureProfile),
  rows: Type.Array(
    Type.Object({
      key: Type.String(),
      reports: Type.Integer(),
      features: Type.Array(
        Type.Object({
          feature: Type.String(),
          state: Type.Union([
            Type.Literal('noData'),
            Type.Literal('tooFew'),
            Type.Literal('notComparable'),
            Type.Literal('measured'),
          ]),
          samples: Type.Integer(),
          psi: nullable(Type.Number()),
          missing: Share,
          nonFinite: Share,
          outOfRange: Share,
          bins: Type.Array(Type.Integer()),
        }),
      ),
    }),
  ),
});

/** Of the newest heartbeat: the agent's own figures, and the machine's where the agent says them. */
export const MachineView = Type.Object({
  atMs: Type.Integer({ description: 'when the device wrote it, by its clock' }),
  receivedAtMs: Type.Integer(),
  agent: Type.Object({
    uptimeMs: Type.Integer(),
    rssBytes: Type.Integer(),
    cpuMs: Type.Integer(),
    load1: Type.Number(),
  }),
  health: nullable(DeviceHealth),
});

export const DeviceSeries = Type.Object({
  ...Range,
  device: Type.String(),
  machine: nullable(MachineView),
  buckets: Type.Array(Type.Object({ startMs: Type.Integer(), ...Health })),
});
