import type { Attack } from '../lab/attack.ts';
import { ARTIFACT_ATTACKS } from './artifact-attacks.ts';
import { ASSIGNMENT_ATTACKS } from './assignment-attacks.ts';
import { CLOCK_ATTACKS } from './clock-attacks.ts';
import { METADATA_ATTACKS } from './metadata-attacks.ts';
import { MISMATCH_ATTACKS } from './mismatch-attacks.ts';
import { NEW_DEVICE_ATTACKS } from './new-device-attacks.ts';
import { PUBLISHER_ATTACKS } from './publisher-attacks.ts';
import { ROOT_ATTACKS } from './root-attacks.ts';
import { STOLEN_KEY_ATTACKS } from './stolen-key-attacks.ts';

/** What must fail on a device, in the order of the table. */
export const DEVICE_ATTACKS: readonly Attack[] = [
  ...ASSIGNMENT_ATTACKS,
  ...MISMATCH_ATTACKS,
  ...METADATA_ATTACKS,
  ...PUBLISHER_ATTACKS,
  ...ROOT_ATTACKS,
  ...STOLEN_KEY_ATTACKS,
  ...ARTIFACT_ATTACKS,
  ...CLOCK_ATTACKS,
  ...NEW_DEVICE_ATTACKS,
];
