import type { Attack } from '../lab/attack.ts';
import { ASSIGNMENT_ATTACKS } from './assignment-attacks.ts';
import { MISMATCH_ATTACKS } from './mismatch-attacks.ts';

/** What must fail on a device, in the order of the table. */
export const DEVICE_ATTACKS: readonly Attack[] = [...ASSIGNMENT_ATTACKS, ...MISMATCH_ATTACKS];

/** What must go through, or the attacks prove nothing: each is the update that they change. */
export const CONTROLS: readonly Attack[] = [
  { attack: 'the update, asked for', check: '', code: 'INSTALLED', plan: {} },
  { attack: 'the update, over MQTT', check: '', code: 'INSTALLED', plan: {}, isOffered: true },
];
