import type { Attack } from '../lab/attack.ts';

/**
 * A clock that is wrong, by battery, by NTP or by whoever sits at the device. Clocks that are behind, that jump, and downloads that
 * only drip belong here as soon as the device has a time of its own and a minimum throughput to hold against them.
 */
export const CLOCK_ATTACKS: readonly Attack[] = [
  {
    attack: 'a clock in 2031',
    check: 'date of the assignment',
    code: 'METADATA_EXPIRED',
    plan: {},
    nowMs: Date.parse('2031-01-01T00:00:00Z'),
  },
];
