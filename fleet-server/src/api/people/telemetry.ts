import { CodedError } from '@ringfleet/shared/errors';
import { Id, Name, Version } from '@ringfleet/shared/protocol';
import { type Manifest, readManifest } from '@ringfleet/shared/release';
import { Type } from 'typebox';
import { STEPS, type Step } from '../../core/telemetry/buckets.ts';
import { driftRows, profileReference, releaseReference } from '../../core/telemetry/drift.ts';
import { healthRow, healthRows, sumBy } from '../../core/telemetry/health.ts';
import { NO_COUNTS } from '../../core/telemetry/model-counts.ts';
import type { TelemetryRange } from '../../ports/telemetry.ts';
import { answers, asAnswer } from '../schemas.ts';
import { machineOf } from './machine-view.ts';
import type { App, PeopleParts } from './parts.ts';
import { DeviceSeries, DriftView, GroupedByName, HealthView } from './telemetry-schema.ts';

const DAY_MS = STEPS.day;
/** Up to this long a range is answered from the finer grain. */
const FINE: readonly [step: Step, longestMs: number][] = [
  ['slot', 6 * STEPS.hour],
  ['hour', 14 * DAY_MS],
];

const RangeQuery = {
  model: Name,
  fromMs: Type.Optional(Type.Integer({ minimum: 0 })),
  toMs: Type.Optional(Type.Integer({ minimum: 0 })),
  lastMs: Type.Optional(
    Type.Integer({ minimum: 1, description: 'instead of fromMs: so long before toMs, which is now' }),
  ),
};
type Query = { model: string; fromMs?: number; toMs?: number; lastMs?: number };
const tags = ['telemetry'];

/** Health and drift of the fleet, from counts by time. The last 24 hours unless asked otherwise. */
export function telemetryRoutes(app: App, { stores, clock }: PeopleParts): void {
  const { telemetry, releases } = stores;

  function rangeOf(query: Query): TelemetryRange & { step: Step } {
    const { model, lastMs = DAY_MS, toMs = clock() + 1 } = query;
    const from = query.fromMs ?? Math.max(0, toMs - lastMs);
    if (from >= toMs)
      throw new CodedError('API_REQUEST_INVALID', 'the range ends before it begins', { at: '/toMs' });
    const step = FINE.find(([, longestMs]) => toMs - from <= longestMs)?.[0] ?? 'day';
    // A bucket belongs to the range that its begin lies in: the one that is under way at `from` is shown as a whole.
    return { model, fromMs: from - (from % STEPS[step]), toMs, step };
  }
  async function manifestOf(model: string, version: string): Promise<Manifest> {
    const bytes = await releases.manifest(model, version);
    if (!bytes) throw new CodedError('RELEASE_UNKNOWN', `${model} ${version}`);
    return readManifest(bytes);
  }

  app.get(
    '/telemetry/health',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Answers, failures and latency of a model, by release, ring, site or hardware',
        tags,
        querystring: Type.Object(
          { ...RangeQuery, by: Type.Optional(GroupedByName) },
          { additionalProperties: false },
        ),
        response: answers(HealthView),
      },
    },
    async ({ query }) => {
      const range = rangeOf(query);
      const by = query.by ?? 'release';
      return asAnswer({ ...range, by, rows: healthRows(await telemetry.byGroup(range), by) });
    },
  );

  app.get(
    '/telemetry/drift',
    {
      config: { role: 'viewer' },
      schema: {
        summary:
          'Every watched feature of a release against its reference profile, or against another release',
        tags,
        querystring: Type.Object(
          {
            ...RangeQuery,
            version: Version,
            by: Type.Optional(GroupedByName),
            against: Type.Optional(Version),
          },
          { additionalProperties: false },
        ),
        response: answers(DriftView),
      },
    },
    async ({ query }) => {
      const { model, version, against = null } = query;
      const range = rangeOf(query);
      const by = query.by ?? 'ring';
      const manifest = await manifestOf(model, version);
      const buckets = await telemetry.byGroup(range);
      const others = sumBy(
        buckets.filter((bucket) => bucket.version === against),
        'release',
      );
      const reference =
        against === null
          ? profileReference(manifest)
          : releaseReference(await manifestOf(model, against), others.get(against) ?? NO_COUNTS);
      const own = buckets.filter((bucket) => bucket.version === version);
      const rows = driftRows(manifest, own, by, reference);
      return asAnswer({ ...range, version, against, by, reference: reference.features, rows });
    },
  );

  app.get(
    '/devices/:id/telemetry',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Answers, failures and latency of one device by hour, or by day for more than 14 days',
        tags,
        params: Type.Object({ id: Id }),
        querystring: Type.Object(RangeQuery, { additionalProperties: false }),
        response: answers(DeviceSeries),
      },
    },
    async ({ params: { id }, query }) => {
      if (!(await stores.devices.get(id))) throw new CodedError('DEVICE_UNKNOWN', id);
      const range = rangeOf(query);
      const step: 'day' | 'hour' = range.step === 'day' ? 'day' : 'hour';
      const fromMs = range.fromMs - (range.fromMs % STEPS[step]);
      const found = await telemetry.ofDevice({ ...range, fromMs, device: id, step });
      const buckets = found.map(({ startMs, version, counts }) => ({
        startMs,
        ...healthRow(version, counts),
      }));
      return asAnswer({ ...range, fromMs, step, device: id, machine: await machineOf(stores, id), buckets });
    },
  );
}
