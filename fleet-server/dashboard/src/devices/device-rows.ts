import type { Device, DeviceModel } from '../views.ts';

/** One line of the table: one model on one device; a device without models has one line too. */
export interface DeviceRow {
  readonly key: string;
  readonly device: Device;
  readonly model: DeviceModel | null;
}

/** Devices in the order given, their models by name. */
export function rowsOf(devices: readonly Device[]): DeviceRow[] {
  return devices.flatMap((device): DeviceRow[] => {
    if (device.models.length === 0) return [{ key: device.id, device, model: null }];
    return device.models
      .toSorted((a, b) => a.model.localeCompare(b.model))
      .map((model) => ({ key: `${device.id}/${model.model}`, device, model }));
  });
}

/** "1.10.0" after "1.9.0": what sorting by a release means. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
