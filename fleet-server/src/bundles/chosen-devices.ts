import { CodedError } from '@ringfleet/shared/errors';
import { MAX_BUNDLE_DEVICES } from '@ringfleet/shared/trust';
import type { Device } from '../core/domain.ts';
import { matches, parseSelector } from '../core/selector.ts';
import type { DeviceStore } from '../ports/stores.ts';

/** For whom: devices by id, and those that a selector matches. */
export interface BundleChoice {
  readonly devices: readonly string[];
  readonly selector: string | null;
}

/**
 * The chosen devices by id, each once. Throws DEVICE_UNKNOWN, DEVICE_REVOKED, CLONED_DEVICE, SELECTOR_INVALID, BUNDLE_EMPTY,
 * BUNDLE_TOO_LARGE.
 */
export async function chosenDevices(store: DeviceStore, choice: BundleChoice): Promise<readonly Device[]> {
  const chosen = new Map<string, Device>();
  for (const id of choice.devices) chosen.set(id, await activeDevice(store, id));
  if (choice.selector !== null) {
    const selector = parseSelector(choice.selector);
    const matching = (await store.all()).filter(
      (device) => device.status === 'active' && matches(selector, device),
    );
    for (const device of matching) chosen.set(device.id, device);
  }
  if (chosen.size === 0) throw new CodedError('BUNDLE_EMPTY');
  if (chosen.size > MAX_BUNDLE_DEVICES) {
    throw new CodedError(
      'BUNDLE_TOO_LARGE',
      `${chosen.size} devices; one bundle is for ${MAX_BUNDLE_DEVICES} at most`,
    );
  }
  return [...chosen.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function activeDevice(store: DeviceStore, id: string): Promise<Device> {
  const device = await store.get(id);
  if (!device) throw new CodedError('DEVICE_UNKNOWN', `no device ${id} is enrolled`);
  if (device.status === 'cloned') throw new CodedError('CLONED_DEVICE', `${id} is in use twice`);
  if (device.status !== 'active') throw new CodedError('DEVICE_REVOKED', `${id} is ${device.status}`);
  return device;
}
