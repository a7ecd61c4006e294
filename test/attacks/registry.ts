import { DEVICE_ATTACKS } from './device/attacks.ts';
import { DOOR_ATTACKS } from './door-attacks.ts';
import { STICK_ATTACKS } from './stick-attacks.ts';

/** One row of the table in docs/security.md. */
export interface AttackEntry {
  /** What the attacker does: also the title of the test, word for word. */
  readonly attack: string;
  /** Which check stands in the way. */
  readonly check: string;
  /** The code it is refused with: one of the catalogue; or, in lower case, what a peer sees that gets no code. */
  readonly code: string;
  /** The file of the test, from the root of the repository. */
  readonly test: string;
}

/** What concerns the device's own verifier; `device.test.ts` runs each of them. */
const onDevices: readonly AttackEntry[] = DEVICE_ATTACKS.map(({ attack, check, code }) => ({
  attack,
  check,
  code,
  test: 'test/attacks/device.test.ts',
}));

/** What `device.test.ts` cannot say in one outcome. */
const cutOff: readonly AttackEntry[] = [
  {
    attack: 'a document cut off at every byte',
    check: 'strict JSON, and the length in the document above',
    code: 'METADATA_MALFORMED',
    test: 'test/attacks/truncated.test.ts',
  },
];

/**
 * Attacks over the network, on people's routes and at enrollment. To add one: write its test, anywhere, with the attack as
 * title of the `it` (or as a string in its table), add a line to `door-attacks.ts`, and run `npm run attacks -- --write`.
 */
const atTheDoors: readonly AttackEntry[] = DOOR_ATTACKS;

export const ATTACKS: readonly AttackEntry[] = [...onDevices, ...cutOff, ...STICK_ATTACKS, ...atTheDoors];

/** Those whose tests are found by their title. */
export const BY_TITLE: readonly AttackEntry[] = [...cutOff, ...STICK_ATTACKS, ...atTheDoors];
