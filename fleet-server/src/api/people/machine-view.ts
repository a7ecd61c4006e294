import { checkerOf, Id, Telemetry } from '@ringfleet/shared/protocol';
import { type Static, Type } from 'typebox';
import type { Stores } from '../../ports/stores.ts';
import { answers, asAnswer, nullable } from '../schemas.ts';
import { oneDevice } from './device-views.ts';
import type { App } from './parts.ts';
import { MachineView } from './telemetry-schema.ts';

/** The newest heartbeat may be one that the device had to drop. */
const LOOKED_AT = 8;

const check = checkerOf(Telemetry, 'telemetry');

/** How a device's machine was when it was heard last; null before its first heartbeat. */
export async function machineOf(stores: Stores, id: string): Promise<Static<typeof MachineView> | null> {
  const { items } = await stores.reports.list(id, { stream: 'tele', limit: LOOKED_AT });
  for (const { body, atMs, receivedAtMs } of items) {
    if (typeof body !== 'object' || body === null || 'tombstone' in body) continue;
    const { uptimeMs, rssBytes, cpuMs, load1, health = null } = check(body).device;
    return { atMs, receivedAtMs, agent: { uptimeMs, rssBytes, cpuMs, load1 }, health };
  }
  return null;
}

export function machineRoutes(app: App, stores: Stores): void {
  app.get(
    '/devices/:id/machine',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Processor, memory, heat, disk, power and link of a device, of its newest heartbeat',
        tags: ['devices'],
        params: Type.Object({ id: Id }),
        response: answers(Type.Object({ device: Type.String(), machine: nullable(MachineView) })),
      },
    },
    async ({ params: { id } }) => {
      await oneDevice(stores, id);
      return asAnswer({ device: id, machine: await machineOf(stores, id) });
    },
  );
}
