import { type Attack, CHAIN } from '../lab/attack.ts';
import { assigning } from '../lab/edits.ts';

const mismatch = (field: string, code: Attack['code'], change: Parameters<typeof assigning>[0]): Attack => ({
  attack: `director and publisher disagree on the ${field}`,
  check: 'director = publisher',
  code,
  plan: { say: { assignment: assigning(change) } },
  // The publisher's half is genuine and newer: it is kept.
  changes: CHAIN,
});

/** A stolen director key alone: both chains verify, and do not agree. */
export const MISMATCH_ATTACKS: readonly Attack[] = [
  mismatch('length', 'ASSIGNMENT_MISMATCH', { manifestLength: 9 }),
  mismatch('hash', 'ASSIGNMENT_MISMATCH', { manifestSha256: 'cd'.repeat(32) }),
  mismatch('release counter', 'ASSIGNMENT_MISMATCH', { releaseCounter: 5 }),
  mismatch('version', 'RELEASE_NOT_SIGNED', { version: '6.6.6' }),
  {
    ...mismatch('model', 'RELEASE_NOT_SIGNED', { model: 'other' }),
    changes: ['timestamp', 'snapshot', 'targets', 'm.other'],
  },
  {
    attack: 'a model that no publisher speaks for',
    check: 'delegation of the model',
    code: 'MODEL_NOT_DELEGATED',
    plan: { say: { assignment: assigning({ model: 'planted' }) } },
    changes: ['timestamp', 'snapshot', 'targets'],
  },
];
