import type { TelemetryGroup } from '../../ports/telemetry.ts';
import type { Device } from '../domain.ts';
import type { Membership } from '../membership.ts';

/** The label that says where a device stands. */
export const SITE_LABEL = 'site';

/** What each active device's counts are merged by from now on. */
export function groupsOf(
  devices: readonly Device[],
  { ringOf }: Pick<Membership, 'ringOf'>,
): ReadonlyMap<string, TelemetryGroup> {
  return new Map(
    devices.map((device) => [
      device.id,
      {
        ring: ringOf.get(device.id) ?? '',
        site: device.labels[SITE_LABEL] ?? '',
        hardware: hardwareOf(device),
      },
    ]),
  );
}

/** `arm64/cpu`, `x64/tensorrt`: the arch and the first provider that works here besides the processor. Empty when unknown. */
export function hardwareOf({ capabilities }: Pick<Device, 'capabilities'>): string {
  if (!capabilities) return '';
  const works = capabilities.providers.filter(({ state }) => state === 'ok').map(({ name }) => name);
  return `${capabilities.arch}/${works.find((name) => name !== 'cpu') ?? 'cpu'}`;
}
