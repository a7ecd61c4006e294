import { CodedError } from '@ringfleet/shared/errors';
import { type DeviceView, deviceView } from '../../core/device-view.ts';
import type { Device } from '../../core/domain.ts';
import { computeMembership, type Membership } from '../../core/membership.ts';
import type { Page, PageQuery, Stores } from '../../ports/stores.ts';

/** Rollouts looked at for what holds a device up: the newest of each model is among them. */
const ROLLOUTS = 200;

export interface DeviceQuery extends PageQuery {
  readonly ring?: string | undefined;
  readonly search?: string | undefined;
}

/** One page of devices as people see them. */
export async function devicePage(stores: Stores, query: DeviceQuery): Promise<Page<DeviceView>> {
  const all = await stores.devices.all();
  const membership = computeMembership(await stores.rings.list(), all);
  const page =
    query.ring === undefined
      ? await stores.devices.list(query)
      : pageOfRing(query, query.ring, all, membership);
  return { items: await viewsOf(stores, membership, page.items), next: page.next };
}

/** One device; throws DEVICE_UNKNOWN. */
export async function oneDevice(stores: Stores, id: string): Promise<DeviceView> {
  const device = await stores.devices.get(id);
  if (!device) throw new CodedError('DEVICE_UNKNOWN', `the fleet has no device ${id}`);
  const membership = computeMembership(await stores.rings.list(), await stores.devices.all());
  const [view] = await viewsOf(stores, membership, [device]);
  if (!view) throw new CodedError('DEVICE_UNKNOWN', `the fleet has no device ${id}`);
  return view;
}

async function viewsOf(
  stores: Stores,
  membership: Membership,
  devices: readonly Device[],
): Promise<readonly DeviceView[]> {
  const assignments = await stores.rings.assignments();
  const rollouts = (await stores.rollouts.list({ limit: ROLLOUTS })).items;
  const one = devices.length === 1 ? devices[0] : undefined;
  const models = Map.groupBy(await stores.devices.models(one?.id), (state) => state.device);
  return Promise.all(
    devices.map(async (device) =>
      deviceView({
        device,
        membership,
        assignments,
        rollouts,
        models: models.get(device.id) ?? [],
        generation: (await stores.assignments.get(device.id))?.generation ?? 0,
      }),
    ),
  );
}

/** Membership is computed, not stored: a ring's page is cut here, by device id. */
function pageOfRing(
  query: DeviceQuery,
  ring: string,
  all: readonly Device[],
  membership: Membership,
): Page<Device> {
  const members = new Set(membership.members.get(ring) ?? []);
  const after = query.cursor === undefined ? '' : Buffer.from(query.cursor, 'base64url').toString('utf8');
  const search = (query.search ?? '').toLowerCase();
  const found = all
    .filter((device) => members.has(device.id) && device.id > after)
    .filter((device) => `${device.id} ${JSON.stringify(device.labels)}`.toLowerCase().includes(search))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const items = found.slice(0, query.limit);
  const last = items.at(-1);
  const isMore = found.length > items.length && last !== undefined;
  return { items, next: isMore ? Buffer.from(last.id).toString('base64url') : null };
}
