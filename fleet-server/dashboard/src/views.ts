import type { paths } from './api-types.ts';

/** What the API answers, by the names this page uses. The types come from the server's OpenAPI description. */
type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer T } } } };
}
  ? T
  : never;
type Item<P extends keyof paths> = Answer<P> extends { items: readonly (infer T)[] } ? T : never;

export type Overview = Answer<'/api/v1/overview'>;
export type Device = Item<'/api/v1/devices'>;
export type DeviceModel = Device['models'][number];
export type Ring = Item<'/api/v1/rings'>;
export type Rollout = Item<'/api/v1/rollouts'>;
export type RolloutRing = Rollout['rings'][number];
export type FleetEvent = Item<'/api/v1/events/history'>;

export type RefusedContact = Item<'/api/v1/refused'>;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
