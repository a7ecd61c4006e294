import { type Attack, CHAIN } from '../lab/attack.ts';
import { NOW_MS } from '../lab/contents.ts';
import { onControlDb } from '../lab/disk.ts';
import { KEYS } from '../lab/keys.ts';

const IN_2031 = Date.parse('2031-01-01T00:00:00Z');
const knowsTheTime = onControlDb(
  `INSERT INTO meta (key, value) VALUES ('trusted-time', '${JSON.stringify({ atMs: NOW_MS, keyids: [KEYS.director.keyid] })}')`,
);

/** A clock that is wrong, by battery, by NTP or by whoever sits at the device. */
export const CLOCK_ATTACKS: readonly Attack[] = [
  {
    attack: 'a clock in 2031',
    check: 'date of the assignment',
    code: 'METADATA_EXPIRED',
    plan: {},
    nowMs: IN_2031,
  },
  {
    attack: 'a timestamp past its date, to a device whose clock stands in 1970',
    check: 'trusted now',
    code: 'METADATA_EXPIRED',
    plan: { say: { timestamp: (content) => ({ ...content, expires: NOW_MS }) } },
    onDisk: knowsTheTime,
    nowMs: 0,
  },
  {
    attack: 'releases past their date, to a device whose clock stands in 1970',
    check: 'trusted now',
    code: 'METADATA_EXPIRED',
    plan: { say: { tiny: (content) => ({ ...content, expires: NOW_MS }) } },
    onDisk: knowsTheTime,
    nowMs: 0,
    changes: CHAIN.slice(0, -1),
  },
];

/** Clocks do no harm that lasts. */
export const CLOCK_CONTROLS: readonly Attack[] = [
  {
    attack: 'the update with a clock in 1970',
    check: '',
    code: 'INSTALLED',
    plan: {},
    onDisk: knowsTheTime,
    nowMs: 0,
  },
  {
    attack: 'the update after a clock that was in 2031 and came back',
    check: '',
    code: 'INSTALLED',
    before: { plan: {}, ends: 'METADATA_EXPIRED', nowMs: IN_2031 },
    plan: {},
  },
];
