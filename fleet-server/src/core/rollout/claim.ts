import { cleanDevicesClaim, cleanDevicesNeeded, clopperPearson } from '@ringfleet/shared/stats';
import type { GateCounts } from '../domain.ts';
import { count } from '../wording.ts';

/** A share of bad devices small enough that most people would call a release good. */
const WANTED_RATE = 0.05;

/**
 * What the devices of a ring can and cannot show about all others, in words. For people only: no verdict depends on
 * it, because an interval that is looked at on every tick is wrong far more often than it says.
 */
export function claimOf(counts: GateCounts): string {
  const settled = counts.proven + counts.failed;
  if (settled === 0) return 'No device has shown anything yet.';
  if (counts.failed > 0) {
    const { lower, upper } = clopperPearson(counts.failed, settled);
    return `${counts.failed} of ${count(settled, 'device')} failed: between ${percent(lower)} and ${percent(upper)} % of such devices would (95 % confidence).`;
  }
  const claim = cleanDevicesClaim(counts.proven);
  const needed = cleanDevicesNeeded(WANTED_RATE);
  if (counts.proven >= needed) return claim.sentence;
  return `${claim.sentence} So few cannot show more: ${needed} clean devices would show fewer than ${percent(WANTED_RATE)} %.`;
}

const percent = (rate: number): string => String(Math.round(rate * 100));
