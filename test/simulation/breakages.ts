import type { Breakage } from './breakage.ts';
import { DEVICE_BREAKAGES } from './device-breakages.ts';
import { PRODUCTION, type Production } from './production.ts';
import { ROLLOUT_BREAKAGES } from './rollout-breakages.ts';
import { SERVER_BREAKAGES } from './server-breakages.ts';

/** Deliberate mistakes that the simulation has to notice: what it does not notice, it does not prove. */
export const BREAKAGES: readonly Breakage[] = [
  ...ROLLOUT_BREAKAGES,
  ...SERVER_BREAKAGES,
  ...DEVICE_BREAKAGES,
];

export const broken = (breakage: Breakage): Production => ({ ...PRODUCTION, ...breakage.wrap(PRODUCTION) });
