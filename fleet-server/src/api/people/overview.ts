import { Type } from 'typebox';
import type { DeviceModel } from '../../core/domain.ts';
import { answers } from '../schemas.ts';
import type { App, PeopleParts } from './parts.ts';

const ROLLOUTS = 500;

const OverviewSchema = Type.Object({
  fleet: Type.String(),
  version: Type.String(),
  serverTimeMs: Type.Integer(),
  devices: Type.Object({ total: Type.Integer(), connected: Type.Integer() }),
  rollouts: Type.Object({ active: Type.Integer(), halted: Type.Integer() }),
  releases: Type.Array(
    Type.Object({ model: Type.String(), version: Type.String(), devices: Type.Integer() }),
    { description: 'what really runs, by running digest' },
  ),
});

/** The fleet in a few numbers. */
export function overviewRoutes(app: App, { stores, config, clock }: PeopleParts): void {
  app.get(
    '/overview',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The fleet in a few numbers',
        tags: ['overview'],
        response: answers(OverviewSchema),
      },
    },
    async () => {
      const devices = await stores.devices.all();
      const active = (await stores.rollouts.list({ limit: ROLLOUTS, active: true })).items;
      const all = (await stores.rollouts.list({ limit: ROLLOUTS })).items;
      return {
        fleet: config.fleet,
        version: config.version,
        serverTimeMs: clock(),
        devices: { total: devices.length, connected: devices.filter((device) => device.isConnected).length },
        rollouts: {
          active: active.length,
          halted: all.filter((rollout) => rollout.state === 'halted').length,
        },
        releases: runningReleases(await stores.devices.models()),
      };
    },
  );
}

function runningReleases(
  models: readonly DeviceModel[],
): { model: string; version: string; devices: number }[] {
  const counts = new Map<string, { model: string; version: string; devices: number }>();
  for (const { model, running } of models) {
    if (!running) continue;
    const key = `${model} ${running.digest}`;
    const known = counts.get(key) ?? { model, version: running.version, devices: 0 };
    counts.set(key, { ...known, devices: known.devices + 1 });
  }
  return [...counts.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}
