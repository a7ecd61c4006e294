import { CodedError } from '@ringfleet/shared/errors';

/** Version of the saved form. A newer form gets a new number and a step that lifts the old one. */
export const STATE_VERSION = 2;

type Saved = Readonly<Record<string, unknown>>;

/** From version n (its place plus one) to n + 1. */
const STEPS: readonly ((saved: Saved) => Saved)[] = [
  // 2 counts power cuts apart from deaths of the agent, and counts both from the offer on.
  (saved) => {
    if (!('job' in saved)) return saved;
    const isOffered = saved['phase'] === 'offered';
    return isOffered ? { boots: 0, ...saved } : { boots: 0, cuts: 0, ...saved };
  },
];

/** A saved state in the form of today. Throws STATE_INVALID on a version that is unknown here. */
export function lifted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('v' in value)) return value;
  const { v } = value;
  if (!Number.isInteger(v) || (v as number) < 1 || (v as number) > STATE_VERSION) {
    throw new CodedError(
      'STATE_INVALID',
      `update state has version ${String(v)}, known are 1 to ${STATE_VERSION}`,
    );
  }
  const state = STEPS.slice((v as number) - 1).reduce((saved: Saved, step) => step(saved), value as Saved);
  return { ...state, v: STATE_VERSION };
}
